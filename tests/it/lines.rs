//! Lines as people and chat programs write them, and the definitions they are read by.

use std::collections::BTreeSet;

use expect_test::expect;
use steward::{
    chat::{CommandSet, Does, LineFault, Response, Status},
    commands,
};

use crate::shop::{check, shop};

#[test]
fn help_comes_from_the_definitions() {
    let bot = shop().bot();
    check(
        &bot.say(""),
        expect![[r#"
            Ask by name; case, spaces and small slips are forgiven. These are the commands:

              - /owner NAME Who owns it and how to reach them
              - /oncall [NAME] Who is on call now and next
              - /runbook NAME [SECTION] [page N] The runbook itself, section by section
              - /deps NAME [up|down|both] [depth N] What it depends on, and what breaks if
                it breaks
              - /page NAME Wake whoever is on call
              - /incident NAME [attach|close] Attach an incident or postmortem to an entry,
                or close it
              - /find WORDS [page N] Search the catalog and its documents by name, words or
                filters
              - /docs NAME [WORDS] Passages of a component's documents
              - /whois NAME [page N] Who somebody is across GitHub, chat, on-call and HR;
                who is in a team
              - /history NAME [page N] What changed, when and by which commit; owners above
                all
              - /uses PACKAGE [RANGE] [tell] [page N] Which components ship a package, in
                which version, and who owns them
              - /new [TEMPLATE] Start something new from a template
              - /tasks [RUN]
                [mine|failed|running|all|log|approve|decline|retry|done|cancel|cleanup|keep]
                Runs of templates, yours and your team's
              - /hygiene [SUBJECT]
                [fix|fixall|notours|snooze|exempt|wake|accept|decline|describe|all|trend|preview|begin]
                [page N] What is wrong with your team's entries, and the change that mends
                it
              - /link [remove] Tie your chat account to your GitHub login
              - /report NAME Tell the owning team that an entry is wrong
              - /channel [TEAM] Which team this channel belongs to, so that commands mean it
              - /catalog
                [sync|removed|remove|restore|add|remove-url|gaps|dead-links|metrics]
                [SUBJECT] What the catalog holds, how fresh it is, what is broken
              - /audit [NAME] [page N] Who asked to change what, when, with what result
              - /help [COMMAND] What there is, with examples
              Or ask in words: who owns payments-api?, what breaks if kafka goes down?,
              runbook for checkout.
            → About owner     /help owner
            → About oncall    /help oncall
            → About runbook   /help runbook
            → About deps      /help deps
            → About page      /help page
            → About incident  /help incident
            → About find      /help find
            → About docs      /help docs
            → About whois     /help whois
            → About history   /help history
            → About uses      /help uses
            → About new       /help new
            → About tasks     /help tasks
            → About hygiene   /help hygiene
            → About link      /help link
            → About report    /help report
            → About channel   /help channel
            → About catalog   /help catalog
            → About audit     /help audit
        "#]],
    );
    check(
        &bot.say("help deps"),
        expect![[r#"
        /deps NAME [up|down|both] [depth N] What it depends on, and what breaks if it
        breaks.

          up: what breaks with it. down: what may break it. Both where neither is said.
          Using an API counts as depending on whoever provides it; being part of the
          same system does not.
          - name: name, alias or full reference
          - direction: up for what uses it, down for what it uses (may be left out)
          - depth: how many levels to show (may be left out)
          Examples
          - /deps payments-api both ways, two levels
          - /deps payments-api up depth 3 what breaks with it, three levels

        → All commands  /help
    "#]],
    );
    assert_eq!(bot.say("help"), bot.say("  "));
}

#[test]
fn a_mistyped_command_and_bad_arguments_say_how_it_is_written() {
    let bot = shop().bot();
    check(
        &bot.say("onwer payments-api"),
        expect![[r#"
            There is no command “onwer”. Did you mean /owner?

            → /owner payments-api    /owner payments-api
            → /runbook payments-api  /runbook component:default/payments-api
            → /deps payments-api     /deps component:default/payments-api
            → All commands           /help
        "#]],
    );
    check(
        &bot.say("owner"),
        expect![[r#"
        Say which one: /owner payments-api

        → About owner  /help owner
    "#]],
    );
    check(
        &bot.say("deps payments-api depth many"),
        expect![[r#"
        “depth” must be a number from 1 to 9, not “many”. Write /deps NAME
        [up|down|both] [depth N], for example: /deps payments-api

        → About deps  /help deps
    "#]],
    );
}

#[test]
fn what_a_person_mistypes_is_no_error_of_ours() {
    let bot = shop().bot();
    for line in ["owner", "find", "deps payments-api depth 0", "nonsense", "oncall payments-api", "deps payments-api sideways"] {
        assert_eq!(bot.reply(line).status, Status::NotFound, "{line}");
    }
    assert_eq!(bot.reply("find").lead.to_plain(), "Say what to look for: /find payments");
    let lead = bot.reply("onboard x").lead.to_plain();
    assert!(lead.starts_with("/onboard is not there yet; /"), "{lead}");
}

#[test]
fn lines_are_read_as_chat_programs_send_them() {
    let commands = commands::load_definitions().unwrap();
    let read = |line: &str| {
        let (command, arguments) = commands.parse_line(line).unwrap_or_else(|fault| panic!("{line}: {fault:?}"));
        let arguments: Vec<String> = arguments.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {}", command.name, arguments.join(" "))
    };
    for line in [
        "owner payments api",
        "/owner payments api",
        "/steward owner payments api",
        "steward owner payments api  ",
        "<@U1> owner payments api",
        "@steward Owner payments\u{a0}api",
        "owner \u{201c}payments api\u{201d}",
        "owner `payments api`",
        "/owner \"payments api",
    ] {
        assert_eq!(read(line), "owner name=payments api", "{line}");
    }
    for line in ["deps payments api up depth 3", "deps payments api depth=3 up", "deps payments api --depth 3 UP"] {
        assert_eq!(read(line), "deps depth=3 direction=up name=payments api", "{line}");
    }
    assert_eq!(read("<@U1> who owns payments-api?"), "owner name=payments-api");
    assert_eq!(read("What depends on the-ledger ?"), "deps direction=up name=the-ledger");
    assert_eq!(read("runbook for checkout"), "runbook name=checkout");
    assert_eq!(read("find out who owns the ledger"), "owner name=ledger");
    assert_eq!(read("help me find the owner of ledger"), "owner name=ledger");
    assert_eq!(read("deps up"), "deps name=up");
    assert_eq!(read("deps down payments-api"), "deps direction=down name=payments-api");
    assert_eq!(read("deps payments api up 3"), "deps depth=3 direction=up name=payments api");
    assert_eq!(read("deps up 3"), "deps direction=up name=3");
    assert_eq!(read("find redis 99"), "find words=redis 99");
    for line in ["owner help", "owner --help", "/owner -h", "help owner"] {
        assert_eq!(read(line), "help command=owner", "{line}");
    }
    assert_eq!(read("find help"), "find words=help");
    assert_eq!(read("deps \"scale up\""), "deps name=scale up");
    assert_eq!(read("runbook payments-api roll back"), "runbook name=payments-api section=roll back");
    assert_eq!(read("catalog sync"), "catalog action=sync");
    assert_eq!(read("help /deps"), "help command=deps");
    assert_eq!(read("/uses log4j-core <2.17"), "uses package=log4j-core range=<2.17");
    assert_eq!(read("/uses log4j-core <2.17 >=2.0 tell"), "uses action=tell package=log4j-core range=<2.17 >=2.0");
    assert_eq!(read("/uses log4j-core &gt;=2.0 &lt;2.17"), "uses package=log4j-core range=>=2.0 <2.17");
    assert_eq!(read("uses pypi:flask ==1.*"), "uses package=pypi:flask range===1.*");
    assert_eq!(read("uses npm:@babel/core 1.x || >=2.5 <3 page 2"), "uses package=npm:@babel/core page=2 range=1.x || >=2.5 <3");
    assert_eq!(read("owner *payments-api*"), "owner name=payments-api");
    assert_eq!(commands.parse_line("  "), Err(LineFault::Empty));
    assert_eq!(commands.parse_line("<@U1>"), Err(LineFault::Empty));
    assert!(matches!(commands.parse_line("catalog sink"), Err(LineFault::BadArguments { .. })));
    let unknown = LineFault::UnknownCommand { typed: "runbok".to_owned(), nearest: vec!["runbook".to_owned()] };
    assert_eq!(commands.parse_line("runbok x"), Err(unknown));
}

/// What acts, or is kept in PostgreSQL alone, is refused while there is none.
const NEED_THE_STORE: [&str; 2] = ["catalog sync", "catalog removed"];

#[test]
fn every_button_is_a_line_that_can_be_read_and_fits_everywhere() {
    let bot = shop().bot().by("ana.silva").admin("user:default/ana.silva");
    let mut open = vec!["help".to_owned(), "owner payments-api".to_owned(), "find team".to_owned(), "catalog".to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(line) = open.pop() {
        if !seen.insert(line.clone()) || NEED_THE_STORE.contains(&line.as_str()) {
            continue;
        }
        let Response::Reply(reply) = bot.respond(&line) else { continue };
        assert!(matches!(reply.status, Status::Answered | Status::NotFound), "{line}: {}", reply.lead.to_plain());
        for button in reply.buttons.iter().chain(reply.cards.iter().flat_map(|card| &card.buttons)) {
            assert!(button.label.chars().count() <= 75, "{}", button.label);
            if let Does::Say(next) = &button.does {
                assert!(next.chars().count() <= 100, "{next}");
                open.push(next.clone());
            }
        }
        assert!(reply.cards.iter().all(|card| card.fields.len() <= 10), "{line}");
    }
    assert!(seen.len() > 30, "the walk should reach most of the shop: {seen:?}");
}

#[test]
fn definitions_and_answers_are_twins() {
    let root = env!("CARGO_MANIFEST_DIR");
    let stems = |folder: &str, ending: &str| -> BTreeSet<String> {
        let files =
            std::fs::read_dir(format!("{root}/{folder}")).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        files.filter_map(|file| file.strip_suffix(ending).map(str::to_owned)).filter(|stem| stem != "mod").collect()
    };
    let definitions = stems("commands", ".yaml");
    assert_eq!(definitions, stems("src/commands", ".rs"));
    let loaded: BTreeSet<String> = commands::load_definitions().unwrap().0.into_iter().map(|command| command.name).collect();
    assert_eq!(definitions, loaded);
}

#[test]
fn a_bad_definition_names_file_and_line() {
    let faults = |text: &str| CommandSet::load([("owner.yaml", text)]).unwrap_err().to_string();
    let good = "name: owner\nsummary: who owns it\nexamples: []\nvisibility: asker\naccess: everyone\n";
    assert!(CommandSet::load([("owner.yaml", good)]).is_ok());
    assert!(
        faults(&good.replace("visibility", "visibilty")).starts_with("owner.yaml:4: "),
        "{}",
        faults(&good.replace("visibility", "visibilty"))
    );
    assert!(faults(&good.replace("owns it", "owns it.")).starts_with("owner.yaml:2: a summary"));
    assert!(faults(&good.replace("owner", "Owner")).starts_with("owner.yaml:1: "));
    let example = good.replace("[]", "\n  - line: owner too many words\n    says: nothing");
    assert!(faults(&example).starts_with("owner.yaml:4: the example"), "{}", faults(&example));
}
