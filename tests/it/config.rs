//! The configuration: what is accepted, and how a mistake is told.

use expect_test::{Expect, expect};
use steward::{
    hygiene::misspelt::{Misspelt, find_misspelt},
    settings::{HygieneSettings, Settings, SourceSettings, check_text},
};

fn environment(name: &str) -> Option<String> {
    let known = [("DATABASE_URL", "postgres://u:p@h/d?a=b#c"), ("GITHUB_TOKEN", "ghp: {x}"), ("EMPTY", "")];
    known.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()).filter(|value| !value.is_empty())
}

fn read(text: &str) -> Settings {
    check_text("steward.yaml", text, &environment).unwrap_or_else(|error| panic!("{error}"))
}

fn check(text: &str, expected: Expect) {
    let error = check_text("steward.yaml", text, &environment).expect_err("it is wrong");
    expected.assert_eq(&error.to_string());
}

/// The sample of the contract, every key of it.
const WHOLE: &str = "
data_dir: ./data
database: { url: ${DATABASE_URL}, max_connections: 16 }
server: { listen: 0.0.0.0:7007, public_url: https://steward.example.com, api: { public: false, tokens: [] } }
sources:
  - type: github
    id: acme
    org: acme
    api_url: https://api.github.com
    auth: { token: ${GITHUB_TOKEN} }
    catalog_paths: [catalog-info.yaml]
    filters: { repository: \".*\", branch: default, archived: exclude, forks: exclude, topics: [], visibility: [] }
    schedule: { every: 30m }
    webhook_secret: ${GITHUB_TOKEN}
    org_data: { teams: true, users: true }
  - type: directory
    id: local
    path: ./repos
  - type: url
    id: extra
    targets: [https://example.com/catalog-info.yaml]
  - type: people
    id: hr
    file: people.csv
  - type: backstage
    id: old
    url: https://backstage.example.com
    token: ${GITHUB_TOKEN}
slack:
  bot_token: ${GITHUB_TOKEN}
  signing_secret: ${GITHUB_TOKEN}
  app_token: ${GITHUB_TOKEN}
  api_url: https://slack.com/api
discord: { token: ${GITHUB_TOKEN}, api_url: https://discord.com }
on_call: { pagerduty: { token: ${GITHUB_TOKEN}, api_url: https://api.pagerduty.com } }
links: [{ annotation: grafana/dashboard-selector, title: Dashboard, url: \"https://grafana.example.com/dashboards?tag={{ value }}\" }]
hygiene: { schedule: { day: tuesday, at: \"10:00\", time_zone: Europe/Berlin }, quiet_hours: \"18:00-09:00\", holidays: [], catch_all: \"#platform\", checks: {} }
scaffolder: { secret_key: ${GITHUB_TOKEN}, allowed_hosts: [], step_timeout: 10m }
access: { admins: [\"group:default/platform\"], rules: [] }
mapping: { people: people-mapping.yaml }
";

#[test]
fn every_key_of_the_contract_is_accepted() {
    let settings = read(WHOLE);
    assert_eq!(settings.sources.len(), 5);
}

#[test]
fn numbers_and_booleans_may_be_variables() {
    let settings = read("database: { max_connections: \"${MANY:-7}\" }\nserver: { api: { public: \"${OPEN:-true}\" } }\n");
    assert_eq!((settings.database.max_connections, settings.server.api.public), (7, true));
}

#[test]
fn empty_file_is_a_configuration() {
    let settings = read("# nothing yet\n");
    assert!(settings.sources.is_empty());
    assert_eq!(settings.database.max_connections, 16);
}

#[test]
fn variables_need_no_quotes_and_their_values_stay_text() {
    let settings = read(
        "database: { url: ${DATABASE_URL}, max_connections: 6 }\n\
         sources: [{ type: github, id: acme, org: ${ORG:-acme}, auth: { token: ${GITHUB_TOKEN} } }]\n",
    );
    let url = settings.database.url.as_ref().map(secrecy::ExposeSecret::expose_secret);
    assert_eq!(url, Some("postgres://u:p@h/d?a=b#c"));
    let SourceSettings::Github(github) = &settings.sources[0] else { panic!("a GitHub source") };
    assert_eq!(github.org, "acme");
    let token = github.auth.token.as_ref().map(secrecy::ExposeSecret::expose_secret);
    assert_eq!(token, Some("ghp: {x}"));
}

#[test]
fn empty_default_means_not_set() {
    let settings = read("slack: { bot_token: xoxb-1, signing_secret: \"${EMPTY:-}\" }\n");
    assert!(settings.slack.expect("a section").signing_secret.is_none());
}

#[test]
fn unset_variable_is_named_with_its_key_and_line() {
    check(
        "data_dir: ./data\nslack:\n  bot_token: ${SLACK_BOT_TOKEN}\n",
        expect![
            "steward.yaml:3: slack.bot_token: the environment variable SLACK_BOT_TOKEN is not set; set it, or write ${SLACK_BOT_TOKEN:-} where it may be empty"
        ],
    );
}

#[test]
fn all_unset_variables_are_named_at_once() {
    check(
        "slack:\n  bot_token: ${SLACK_BOT_TOKEN}\n  app_token: ${SLACK_APP_TOKEN}\ndiscord: { token: ${DISCORD_TOKEN} }\n",
        expect![
            "steward.yaml:2: slack.bot_token: the environment variable SLACK_BOT_TOKEN is not set; set it, or write ${SLACK_BOT_TOKEN:-} where it may be empty; nor are DISCORD_TOKEN and SLACK_APP_TOKEN"
        ],
    );
}

#[test]
fn unknown_keys_are_named_with_what_was_meant() {
    check("data_dir: ./data\nslak: {}\n", expect![[r#"steward.yaml:2: slak: there is no key "slak" here; did you mean slack?"#]]);
    check(
        "server:\n  lisen: 127.0.0.1:7007\n",
        expect![[r#"steward.yaml:2: server.lisen: there is no key "lisen" here; did you mean listen?"#]],
    );
    check(
        "sources:\n  - type: directory\n    id: a\n    pat: ./x\n",
        expect![[r#"steward.yaml:4: sources[0].pat: there is no key "pat" here; did you mean path?"#]],
    );
    check(
        "sources:\n  - type: gitub\n    id: a\n",
        expect![[r#"steward.yaml:2: sources[0]: there is no value "gitub" here; did you mean github?"#]],
    );
}

#[test]
fn wrong_values_say_what_to_write() {
    check(
        "database: { max_connections: 1 }\n",
        expect!["steward.yaml:1: database.max_connections: is under 6: sync, listening and the job queue hold five"],
    );
    check(
        "hygiene: { week: { held: true, week_of_quarter: 13 } }\n",
        expect!["steward.yaml:1: hygiene.week.week_of_quarter: 13 is no week of a quarter; write 1 to 12"],
    );
    let filtered = |filters: &str| {
        format!("sources:\n  - type: github\n    id: a\n    org: a\n    auth: {{ token: t }}\n    filters: {{ {filters} }}\n")
    };
    check(
        &filtered("repository: \"pay(\""),
        expect![[
            r#"steward.yaml:6: sources[0].filters.repository: "pay(" is not a regular expression: unclosed group; write one for whole names, as in payments-.*"#
        ]],
    );
    check(
        &filtered("visibility: [secret]"),
        expect![[
            r#"steward.yaml:6: sources[0].filters.visibility: there is no visibility "secret"; write public, private or internal"#
        ]],
    );
    check(
        &filtered("branch: \"a b\""),
        expect![[
            r#"steward.yaml:6: sources[0].filters.branch: "a b" is not the name of a branch; write default, or a name such as main"#
        ]],
    );
    let source = |rest: &str| format!("sources:\n  - type: directory\n    id: a\n    path: ./x\n{rest}");
    check(
        &source("    schedule: { every: soon }\n"),
        expect![[r#"steward.yaml:5: sources[0].schedule.every: "soon" is not a duration; write 30m, 2h or 1d"#]],
    );
    check(
        &source("    schedule: { every: 1s }\n"),
        expect!["steward.yaml:5: sources[0].schedule.every: is under 10 seconds; write 1m or more"],
    );
    check(
        &source("  - type: directory\n    id: a\n    path: ./y\n"),
        expect![[r#"steward.yaml:6: sources[1].id: "a" is used by an earlier source; give each its own id"#]],
    );
    check(
        "access:\n  admins: [platform]\n",
        expect![[
            r#"steward.yaml:2: access.admins[0]: "platform" is not a full reference; write group:default/platform or user:default/ada"#
        ]],
    );
    check(
        "server: { listen: 7007 }\n",
        expect![
            "steward.yaml:1: server.listen: invalid type: integer `7007`, write an address with its port, as in 0.0.0.0:7007"
        ],
    );
    check(
        "data_dir: [\n",
        expect![
            "steward.yaml:2: is not valid YAML: did not find expected node content at line 2 column 1, while parsing a flow node"
        ],
    );
}

#[test]
fn keys_of_later_versions_are_accepted_and_named() {
    let settings = read(
        "discord: { token: x }\nserver: { api: { public: true } }\n\
         on_call: { pagerduty: { token: t } }\naccess: { rules: [{ command: catalog, allow: [admins] }] }\n\
         hygiene: { schedule: { day: tuesday, at: \"10:00\" }, catch_all: \"#platform\" }\n\
         sources: [{ type: github, id: a, org: a, auth: { token: t }, filters: { archived: exclude } }]\n",
    );
    assert_eq!(settings.keys_of_later_versions(), ["server.api"]);
    assert_eq!(settings.discord.map(|discord| discord.api_url).as_deref(), Some("https://discord.com"));
}

#[test]
fn days_zones_and_teams_of_rounds_say_what_to_write() {
    check(
        "hygiene: { holidays: [25.12.2026] }\n",
        expect![[r#"steward.yaml:1: hygiene.holidays: "25.12.2026" is no day; write one as 2026-12-25"#]],
    );
    check(
        "hygiene: { holidays: [2026-02-30] }\n",
        expect![[r#"steward.yaml:1: hygiene.holidays: "2026-02-30" is no day; write one as 2026-12-25"#]],
    );
    check(
        "hygiene: { schedule: { time_zone: Berlin } }\n",
        expect![[r#"steward.yaml:1: hygiene.schedule.time_zone: "Berlin" is no time zone; write one as Europe/Berlin, or UTC"#]],
    );
    check(
        "hygiene: { teams: { component:default/payments: { every: monthly } } }\n",
        expect![[
            r#"steward.yaml:1: hygiene.teams: "component:default/payments" is not the full reference of a group or user; write group:default/payments"#
        ]],
    );
}

#[test]
fn checks_and_kinds_that_there_are_not_are_told_with_what_was_meant() {
    let settings = read(
        "kinds: [{ kind: Dataset, api_versions: [acme.com/v1] }]\n\
         hygiene:\n  checks: { runbok-missing: off, docs-missing: high }\n  tracks:\n    - name: Ready\n      kinds: [componnt, dataset, API]\n\
         \x20     levels: [{ name: bronze, checks: [owner-mising, owner-left, beauty] }]\n",
    );
    let found: Vec<Misspelt> = find_misspelt(&settings.hygiene, &settings.kinds);
    let lines: Vec<String> = found.iter().map(|Misspelt { key, message }| format!("{key}: {message}")).collect();
    assert_eq!(
        lines[..3],
        [
            "hygiene.checks.runbok-missing: there is no check \"runbok-missing\"; did you mean runbook-missing?",
            "hygiene.tracks[0].kinds[0]: there is no kind \"componnt\"; did you mean component?",
            "hygiene.tracks[0].levels[0].checks[0]: there is no check \"owner-mising\"; did you mean owner-missing?",
        ]
    );
    let beauty = "hygiene.tracks[0].levels[0].checks[2]: there is no check \"beauty\"; there are owner-missing, ";
    assert!(lines.len() == 4 && lines[3].starts_with(beauty), "{lines:?}");
    assert!(find_misspelt(&HygieneSettings::default(), &[]).is_empty());
}

#[test]
fn what_may_not_be_meant_is_noted() {
    let settings = read("hygiene: { schedule: { day: saturday, at: \"20:00\" }, messages_a_week: 0, escalate_after: 0 }\n");
    let notes = settings.hygiene.notes();
    assert!(notes.len() == 4 && notes[1].contains("rounds begin when these end, at 09:00"), "{notes:?}");
    assert!(HygieneSettings::default().notes().is_empty());
}
