//! Who may do what: rules of the configuration, else the definitions; and what a refusal says.

use expect_test::expect;
use steward::{
    catalog::EntityRef,
    chat::{Account, Act, Arguments, FormState, Platform, Response, Status, Submission},
    commands::{
        Asking, StoreHealth,
        access::{About, Allow, check_rules, gates, is_allowed},
        load_definitions,
    },
    settings::AccessRule,
};

use crate::{
    shop::{check, shop},
    world::{World, now},
};

fn rule(command: &str, allow: &[&str]) -> AccessRule {
    let allow = allow.iter().map(|word| (*word).to_owned()).collect();
    AccessRule { command: command.to_owned(), allow, approvers: Vec::new() }
}

/// The shop with somebody who has left, and somebody in no team.
fn staffed() -> World {
    let mut world = shop();
    world.user("lee.left").member_of("team-payments").annotate("steward.dev/left", "2026-10-31");
    world.user("noor.new");
    world.component("own-thing").owner("user:default/noor.new");
    world
}

#[test]
fn who_may_is_decided_by_this_table() {
    let catalog = staffed().catalog();
    let thing = |name: &str| About::One(EntityRef::parse(name, Some("component"), "default").unwrap());
    let payments = || thing("payments-api");
    let table: [(&str, &[&str], About, &str); 14] = [
        // Asked for, allowed, about what; who of guest, ana (payments), kim (ledger), noor (no team), lee (left).
        ("nobody", &[], payments(), ""),
        ("everyone", &["everyone"], payments(), "guest ana.silva kim.lee noor.new lee.left"),
        ("members: whoever has left is nobody", &["members"], payments(), "ana.silva kim.lee noor.new"),
        ("owners of a component", &["owners"], payments(), "ana.silva"),
        ("owners of what a person owns", &["owners"], thing("own-thing"), "noor.new"),
        ("a team answers for itself", &["owners"], thing("group:team-ledger"), "kim.lee"),
        ("a parent's things belong to those below it", &["owners"], thing("domain:commerce"), "ana.silva kim.lee"),
        ("nothing has no owners", &["owners"], About::Nothing, ""),
        ("what is not there has none", &["owners"], thing("gone"), ""),
        ("what is unclear is asked back", &["owners"], About::Unclear, "guest ana.silva kim.lee noor.new lee.left"),
        ("a group's people", &["group:default/team-ledger"], payments(), "kim.lee"),
        ("those below a group too", &["group:default/money"], payments(), "ana.silva kim.lee"),
        ("a person", &["user:default/noor.new"], payments(), "noor.new"),
        ("admins, and any of several is enough", &["admins", "user:default/noor.new"], payments(), "kim.lee noor.new"),
    ];
    let admins = [EntityRef::parse("group:default/team-ledger", None, "default").unwrap()];
    for (claim, words, about, expected) in table {
        let allow: Vec<Allow> = words.iter().map(|word| Allow::parse(word).expect("a known word")).collect();
        let people = ["guest", "ana.silva", "kim.lee", "noor.new", "lee.left"].into_iter().filter(|name| {
            let account = Account { platform: Platform::Playground, id: (*name).to_owned(), name: (*name).to_owned() };
            let asking = Asking::new(&catalog, now(), &account, None, &admins, StoreHealth::Reachable);
            is_allowed(&catalog, &asking, &allow, &about)
        });
        assert_eq!(people.collect::<Vec<_>>().join(" "), expected, "{claim}");
    }
}

#[test]
fn the_first_rule_that_names_an_act_decides_and_a_rule_for_the_command_opens_no_act() {
    let commands = load_definitions().unwrap();
    let told = |rules: &[AccessRule], command: &str, act: Option<&str>| {
        let gates = gates(rules, commands.find(command).unwrap(), act);
        gates.into_iter().map(|gate| format!("{:?}", gate.allow)).collect::<Vec<_>>().join(" and ")
    };
    assert_eq!(told(&[], "owner", None), "[Everyone]");
    assert_eq!(told(&[], "audit", None), "[Admins]");
    assert_eq!(told(&[], "catalog", Some("sync")), "[Everyone] and [Admins]");
    assert_eq!(told(&[], "catalog", Some("gaps")), "[Everyone]");
    assert_eq!(told(&[], "channel", Some("set")), "[Everyone] and [Owners, Admins]");
    let open = [rule("/Catalog", &["members"]), rule("catalog", &["everyone"])];
    assert_eq!(told(&open, "catalog", None), "[Members]");
    assert_eq!(told(&open, "catalog", Some("sync")), "[Members] and [Admins]");
    let act = [rule("catalog", &[]), rule("catalog  ADD", &["members"]), rule("catalog add", &[])];
    assert_eq!(told(&act, "catalog", Some("add")), "[Members]");
    assert_eq!(told(&act, "catalog", Some("sync")), "[] and [Admins]");
    // What cannot be read admits nobody.
    assert_eq!(told(&[rule("owner", &["evrybody"])], "owner", None), "[]");
}

#[test]
fn a_refusal_says_who_may_and_how_to_become_known() {
    let world = staffed();
    let refusal = |who: &str, rules: &[AccessRule], line: &str| {
        let mut bot = world.bot().by(who).admin("group:default/team-ledger");
        bot.app.settings.access.rules = rules.to_vec();
        let reply = bot.reply(line);
        assert_eq!(reply.status, Status::Refused, "{who} {line}: {}", reply.lead.to_plain());
        assert!(reply.cards.is_empty() && reply.refs.is_empty(), "a refusal shows nothing");
        reply.lead.to_plain()
    };
    check(
        &[
            refusal("ana.silva", &[], "catalog sync"),
            refusal("ana.silva", &[], "audit"),
            refusal("visitor", &[], "catalog add https://example.com/x.yaml"),
            refusal("lee.left", &[rule("owner", &["members"])], "owner payments-api"),
            refusal("kim.lee", &[rule("runbook", &["owners", "group:default/team-checkout"])], "runbook payments-api"),
            refusal("mia.hahn", &[rule("runbook", &["owners", "admins"])], "runbook fraud-scorin"),
            refusal("ana.silva", &[rule("find", &[])], "find payments"),
            refusal("ana.silva", &[rule("report", &["owners", "admins"])], "report shop-web"),
        ]
        .join("\n"),
        expect![[r#"
            Only admins may start a sync. They are: Team Ledger. Nothing was changed.
            Only admins may use /audit. They are: Team Ledger. Nothing was changed.
            Only admins may add descriptors. They are: Team Ledger. Nothing was changed. The catalog knows no one behind your account, visitor: ask your team to add it to your User entry.
            Only people whom the catalog knows may use /owner. Nothing was changed. The catalog knows no one behind your account, lee.left: ask your team to add it to your User entry.
            Only the owners of Payments API (Team Payments) and Team Checkout may use /runbook. Nothing was changed.
            Only the owners of fraud-scoring (Team Ledger) and admins (Team Ledger) may use /runbook. Nothing was changed.
            Nobody may use /find here: a rule under access.rules says so. Nothing was changed.
            Only the owners of shop-web (Team Checkout) and admins (Team Ledger) may use /report. Nothing was changed."#]],
    );
}

#[test]
fn a_rule_lets_in_whom_the_definition_keeps_out_and_no_one_else() {
    let mut world = staffed();
    world.component("one/twin").owner("team-payments");
    world.component("two/twin").owner("team-ledger");
    let rules = [rule("runbook", &["owners"]), rule("catalog sync", &["user:default/mia.hahn"])];
    let status = |who: &str, line: &str| {
        let mut bot = world.bot().by(who).admin("group:default/team-ledger");
        bot.app.settings.access.rules = rules.to_vec();
        bot.reply(line).lead.to_plain()
    };
    assert!(status("ana.silva", "runbook payments-api").contains("Payments API"));
    assert!(status("ana.silva", "runbook ledger").starts_with("Only the owners of ledger (Team Ledger) may"));
    // Past the gate the store is missing, which is another matter.
    assert!(status("mia.hahn", "catalog sync").contains("PostgreSQL"), "{}", status("mia.hahn", "catalog sync"));
    assert!(status("kim.lee", "catalog sync").starts_with("Only Mia Hahn may start a sync."), "admins are not named in the rule");
    // A name that could mean several asks back before anybody is refused.
    assert!(!status("kim.lee", "runbook twin").starts_with("Only"));
}

#[test]
fn a_form_asks_again_who_sends_it() {
    let world = staffed();
    let mut bot = world.bot().by("ana.silva").admin("group:default/team-ledger");
    bot.app.settings.access.rules = vec![rule("report", &["owners"])];
    for (form, subject) in [("catalog", ""), ("report", "component:default/ledger")] {
        let state = FormState { subject: subject.to_owned(), values: Default::default() };
        let sent = Submission { form: form.to_owned(), page: 0, state, values: Default::default() };
        for act in [Act::Submit(sent.clone()), Act::Back(sent)] {
            let Response::Reply(reply) = bot.act(act) else { panic!("{form}: no refusal") };
            assert_eq!(reply.status, Status::Refused, "{form}: {}", reply.lead.to_plain());
        }
    }
}

#[test]
fn rules_that_cannot_be_meant_are_named_with_what_to_write() {
    let commands = load_definitions().unwrap();
    let judge = |rules: &[AccessRule]| match check_rules(rules, &commands.0, &["wiki".to_owned()]) {
        Ok(shown) => shown.join("\n"),
        Err(bad) => format!("{}: {}", bad.key, bad.message),
    };
    check(
        &[
            judge(&[rule("owner", &["everyone"]), rule("onwer", &["members"])]),
            judge(&[rule("catalog ad", &["members"])]),
            judge(&[rule("xyzzy", &["members"])]),
            judge(&[rule("deps", &["member"])]),
            judge(&[rule("deps", &["group:platform"])]),
            judge(&[rule("deps", &["component:default/x"])]),
            judge(&[rule("catalog sync", &["owners"])]),
            judge(&[AccessRule { approvers: vec!["group:default/platform".to_owned()], ..rule("deps", &["members"]) }]),
            judge(&[AccessRule { approvers: vec!["admins".to_owned()], ..rule("new", &["members"]) }]),
            judge(&[AccessRule { approvers: vec!["group:default/platform".to_owned()], ..rule("new", &["members"]) }]),
            judge(&[
                rule("/catalog add", &["members", "group:default/platform"]),
                rule("catalog add", &["admins"]),
                rule("template:default/service", &["owners"]),
                rule("wiki", &[]),
                rule("channel set", &["owners"]),
                rule("hygiene", &["members"]),
            ]),
        ]
        .join("\n"),
        expect![[r#"
            access.rules[1].command: there is no command "onwer"; did you mean owner?
            access.rules[0].command: there is no command "catalog ad"; did you mean catalog add?
            access.rules[0].command: there is no command "xyzzy"; write one of /help's, an act such as catalog add, or template:default/NAME
            access.rules[0].allow: "member" is nobody that can be allowed; did you mean members?
            access.rules[0].allow: "group:platform" is nobody that can be allowed; write everyone, members, owners, admins, or a full reference such as group:default/platform
            access.rules[0].allow: "component:default/x" is nobody that can be allowed; write everyone, members, owners, admins, or a full reference such as group:default/platform
            access.rules[0].allow: /catalog sync is about no single entity, so it has no owners; write members, admins or a group
            access.rules[0].approvers: nobody is asked to agree to /deps: approvers belong to rules for new and for templates
            access.rules[0].approvers: "admins" is nobody who could agree; write a full reference such as group:default/platform
            new: members; group:default/platform must agree
            catalog add: members, group:default/platform
            catalog add: admins (never asked: an earlier rule names it too)
            template:default/service: owners
            wiki: nobody
            channel set: owners
            hygiene: members"#]],
    );
}

#[test]
fn arguments_without_a_subject_are_about_nothing() {
    let commands = load_definitions().unwrap();
    let owner = commands.find("owner").unwrap();
    assert_eq!(steward::commands::access::subject_of(owner, &Arguments::default()), "");
}
