//! `steward nudge` as a person on the terminal runs it.

use std::{path::Path, process::Command};

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use steward::store::{AuditFilter, Database, Store};
use tempfile::TempDir;

use crate::{
    cluster::new_database,
    fake_slack::{BOT_TOKEN, FakeSlack},
};

struct Terminal {
    folder: TempDir,
}

impl Terminal {
    fn run(&self, arguments: &[&str]) -> (bool, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_steward"));
        command.current_dir(self.folder.path()).args(arguments).env("RUST_LOG", "error");
        let output = tokio::task::block_in_place(|| command.output()).expect("the binary was built for this test");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    }

    fn nudge(&self, arguments: &[&str]) -> Value {
        let (good, out, said) = self.run(&[&["nudge", "--json"], arguments].concat());
        assert!(good, "{out}\n{said}");
        serde_json::from_str(&out).unwrap()
    }
}

fn teams(told: &Value, list: &str) -> Vec<String> {
    told[list].as_array().unwrap().iter().map(|entry| entry["team"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_by_hand_is_looked_at_shown_held_and_not_held_twice() {
    let slack = FakeSlack::start().await;
    let database = new_database().await;
    let url = database.ensure_running().unwrap().expose_secret().to_owned();
    let folder = TempDir::new().unwrap();
    let config = format!(
        "data_dir: ./data\ndatabase: {{ url: \"{url}\", max_connections: 8 }}\n\
         sources: [{{ type: directory, id: local, path: \"{}\" }}]\n\
         slack: {{ bot_token: {BOT_TOKEN}, signing_secret: secret, api_url: \"{}\" }}\n\
         access: {{ admins: [\"group:default/platform\"] }}\nhygiene: {{ catch_all: \"#catalog\" }}\n",
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/org").display(),
        slack.api_url()
    );
    std::fs::write(folder.path().join("steward.yaml"), config).unwrap();
    let terminal = Terminal { folder };

    let looked = terminal.nudge(&["--dry-run"]);
    let would = teams(&looked, "messages");
    assert!(would.len() > 3, "{looked}");
    let first = &looked["messages"][0];
    assert!(first["destination"].as_str().unwrap().starts_with(['#', 'C', 'U']), "{first}");
    let finding = &first["findings"][0];
    let id = format!("{}:{}", finding["check"].as_str().unwrap(), finding["entity"].as_str().unwrap());
    assert_eq!(finding["id"], id);
    assert!(looked["round"].as_str().unwrap().parse::<chrono::NaiveDate>().is_ok());
    assert!(slack.model().messages.is_empty());

    let shown = terminal.nudge(&[]);
    assert!(teams(&shown, "messages").is_empty(), "{shown}");
    assert!(shown["withheld"][0]["reason"].as_str().unwrap().starts_with("the first round is shown to the admins"), "{shown}");
    assert_eq!(slack.model().messages.len(), 1);
    assert!(slack.model().messages[0].payload.to_string().contains("Let it go"));

    let one = terminal.nudge(&["--team", &would[0]]);
    assert_eq!(teams(&one, "messages"), [would[0].clone()]);
    // One round is no word for those to come, and it is known who sent it.
    let store = Store::unopened();
    store.open(&database, 2).await.unwrap();
    assert_eq!(store.load_round_start().await.unwrap().begun_at, None);
    let (good, _, said) = terminal.run(&["nudge", "--team", &would[0]]);
    assert!(good && said.contains("`hygiene begin`"), "{said}");
    let lines = async || store.load_audit(&AuditFilter::default(), 9, 0).await.unwrap().lines;
    let line = lines().await.pop().expect("what was sent is written down");
    assert_eq!((line.platform.as_str(), line.account.as_str()), ("terminal", "steward nudge"));
    assert_eq!((line.command.as_str(), line.subject.as_str()), ("hygiene nudge", would[0].as_str()));
    let nobody = terminal.nudge(&["--team", "nobody"]);
    assert_eq!(teams(&nobody, "messages"), ["nobody"]);
    let held = terminal.nudge(&[]);
    assert_eq!(store.load_round_start().await.unwrap().begun_at, None);
    assert_eq!(lines().await.len(), 3, "what sends nothing is not written down");
    let shown = terminal.nudge(&[]);
    assert!(teams(&shown, "messages").is_empty(), "{shown}");
    let mut told = [teams(&one, "messages"), teams(&nobody, "messages"), teams(&held, "messages")].concat();
    told.sort();
    let mut wanted = would.clone();
    wanted.sort();
    assert_eq!(told, wanted);
    let marked = slack.model().marked();
    assert!(marked.values().all(|times| *times == 1), "{marked:?}");

    let again = terminal.nudge(&[]);
    assert!(teams(&again, "messages").is_empty(), "{again}");
    assert!(again["withheld"][0]["reason"].as_str().unwrap().starts_with("has heard in the round of"), "{again}");

    let (good, _, said) = terminal.run(&["nudge", "--team", "group:default/nowhere"]);
    assert!(!good && said.contains("there is no group:default/nowhere"), "{said}");
    let entity_of = |message: &Value| {
        let mut entities = message["findings"].as_array().unwrap().iter().map(|finding| finding["entity"].as_str().unwrap());
        let entity = entities.find(|entity| !entity.starts_with("group:") && !entity.starts_with("user:"))?;
        Some((message["team"].as_str().unwrap().to_owned(), entity.to_owned()))
    };
    let mut owned = looked["messages"].as_array().unwrap().iter().filter(|message| message["team"] != "nobody");
    let (team, entity) = owned.find_map(entity_of).unwrap();
    let (good, _, said) = terminal.run(&["nudge", "--team", &entity]);
    assert!(!good && said.contains(&format!("{entity} is no team; it is owned by {team}: write --team {team}")), "{said}");
    let (good, out, _) = terminal.run(&["nudge", "--dry-run"]);
    assert!(good && out.starts_with("The round of "), "{out}");
    slack.finish();
}

/// One repository that nobody has described.
fn undescribed(database: &Database, slack: &str) -> Terminal {
    let url = database.ensure_running().unwrap().expose_secret().to_owned();
    let folder = TempDir::new().unwrap();
    let pushed = chrono::Utc::now() - chrono::TimeDelta::days(3);
    let facts = |name: &str, archived: bool| {
        format!(
            "{name}:\n  head: \"0123456789012345678901234567890123456789\"\n  archived: {archived}\n  pushed_at: \"{}\"\n",
            pushed.to_rfc3339()
        )
    };
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "acme/org/catalog-info.yaml",
        "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: team-a}\nspec: {type: team, children: []}\n",
    );
    write("acme/till/README.md", "# Till");
    write("acme/dust/README.md", "# Dust");
    write("acme/repositories.yaml", &format!("{}{}", facts("till", false), facts("dust", true)));
    let config = format!(
        "data_dir: ./data\ndatabase: {{ url: \"{url}\", max_connections: 8 }}\n\
         sources: [{{ type: directory, id: local, path: ./acme }}]\n\
         slack: {{ bot_token: {BOT_TOKEN}, signing_secret: secret, api_url: \"{slack}\" }}\n\
         hygiene: {{ catch_all: \"#catalog\" }}\n"
    );
    std::fs::write(folder.path().join("steward.yaml"), config).unwrap();
    Terminal { folder }
}

/// A repository that nobody has described is told of by the first round that is looked at.
#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_names_what_nobody_has_described() {
    let database = new_database().await;
    let terminal = undescribed(&database, "http://127.0.0.1:9");
    let looked = terminal.nudge(&["--dry-run"]);
    let nobody = looked["messages"].as_array().unwrap().iter().find(|message| message["team"] == "nobody").expect("it is told");
    assert_eq!(nobody["destination"], "#catalog");
    let entity = "component:default/till";
    let wanted = json!([{ "id": format!("descriptor-missing:{entity}"), "check": "descriptor-missing", "severity": "medium", "entity": entity }]);
    assert_eq!(nobody["findings"], wanted);
    let (good, out, _) = terminal.run(&["nudge", "--dry-run"]);
    assert!(good && out.contains("* medium   descriptor-missing   acme/till"), "{out}");
}

/// What a channel refuses was heard by nobody, and whoever looks is told so.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_lost_is_no_message_that_was_heard() {
    let slack = FakeSlack::start().await;
    slack.model().has_ids = true;
    slack.model().channels = ["other".to_owned()].into();
    let database = new_database().await;
    let terminal = undescribed(&database, &slack.api_url());
    terminal.nudge(&[]);
    assert_eq!(teams(&terminal.nudge(&["--team", "nobody"]), "messages"), ["nobody"]);
    assert!(slack.model().messages.is_empty());
    let looked = terminal.nudge(&["--dry-run"]);
    let reason = looked["withheld"][0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("could not be told in the round of ") && reason.ends_with("channel_not_found"), "{looked}");
    let (_, out, said) = terminal.run(&["doctor"]);
    assert!(
        out.contains(" for nobody") && out.contains("could not be told: #catalog refused it: channel_not_found"),
        "{out}{said}"
    );
    // Which the doctor asks for, and this Slack has not.
    slack.model().unexpected.retain(|said| said != "unknown method emoji.list");
    slack.finish();
}
