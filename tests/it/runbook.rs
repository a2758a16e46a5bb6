//! A runbook is read in chat, whole or by section.

use chrono::Duration;
use expect_test::expect;
use steward::{
    catalog::Kind,
    chat::{Does, Reply, Status},
};

use crate::{
    judged::sample_bot,
    shop::{check, shop},
    world::now,
};

#[test]
fn a_runbook_shows_its_outline_and_keeps_code_whole() {
    check(
        &shop().bot().say("runbook payments-api"),
        expect![[r#"
        The runbook of Payments API.

        Payments API runbook
          - Alerts
            - PaymentsErrorRateHigh
          - Failover
          - Roll back
          Say so early in #incidents. See Failover
          <https://github.example/acme/payments-api/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/runbook.md#failover>
          and the wiki
          <https://github.example/acme/payments-api/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/docs/acquirers.md>.

        Alerts

        PaymentsErrorRateHigh
          1. Look at errors by acquirer.
          2. Store it:
            vault kv put key=@new.key
          3. Watch everything:
            - pods
            - queues

        Failover
          Takes ten seconds.
            payctl route set --from nordbank \
              --to cardstream   # both spaces stay
          Who  When
          SRE  always

        Roll back
          [x] page tell somebody
          [ ] argocd app rollback
          graph
          <https://github.example/acme/payments-api/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/img/graph.png>
        → Alerts                 /runbook component:default/payments-api alerts
        → PaymentsErrorRateHigh  /runbook component:default/payments-api paymentserrorratehigh
        → Failover               /runbook component:default/payments-api failover
        → Roll back              /runbook component:default/payments-api roll-back
        Last changed 20 days ago

        → Owner   /owner component:default/payments-api
        → Source  https://github.example/acme/payments-api/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/runbook.md

        Read from acme/payments-api@3f2c1ab, synced 3 min ago
    "#]],
    );
}

#[test]
fn a_section_is_found_by_its_words() {
    let bot = shop().bot();
    check(
        &bot.say("runbook payments api failover"),
        expect![[r#"
        Payments API, runbook: Failover

        Payments API runbook

        Failover
          Takes ten seconds.
            payctl route set --from nordbank \
              --to cardstream   # both spaces stay
          Who  When
          SRE  always
        → Whole runbook          /runbook component:default/payments-api
        → Alerts                 /runbook component:default/payments-api alerts
        → PaymentsErrorRateHigh  /runbook component:default/payments-api paymentserrorratehigh
        → Roll back              /runbook component:default/payments-api roll-back
        Last changed 20 days ago

        → Owner   /owner component:default/payments-api
        → Source  https://github.example/acme/payments-api/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/runbook.md

        Read from acme/payments-api@3f2c1ab, synced 3 min ago
    "#]],
    );
    for asked in ["Failover", "FAIL", "failovr", "cardstream"] {
        let reply = bot.reply(&format!("runbook payments-api {asked}"));
        assert_eq!(reply.lead.to_plain(), "Payments API, runbook: Failover", "{asked}");
    }
    let rollback = bot.reply("runbook payments-api rollback");
    assert_eq!(rollback.lead.to_plain(), "Payments API, runbook: Roll back");
    let nothing = bot.reply("runbook payments-api gardening");
    assert!(nothing.lead.to_plain().contains("has no section like “gardening”"));
}

#[test]
fn links_lead_to_the_commit_that_was_read() {
    let reply = shop().bot().reply("runbook payments-api");
    let text = format!("{reply:?}");
    let blob = "https://github.example/acme/payments-api/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4";
    for link in ["/docs/acquirers.md", "/runbook.md#failover", "/img/graph.png"] {
        assert!(text.contains(&format!("{blob}{link}")), "{link}: {text}");
    }
}

#[test]
fn a_script_address_is_shown_as_words_alone() {
    let mut world = shop();
    world.runbook("acme/ledger", "runbook.md", "[press](javascript:alert(1)) <b>now</b>");
    let reply = world.bot().reply("runbook ledger");
    assert!(!format!("{reply:?}").contains("javascript"), "{reply:?}");
}

#[test]
fn things_of_one_repository_share_its_runbook() {
    assert_eq!(shop().bot().reply("runbook redis-payments").status, Status::Answered);
}

#[test]
fn a_missing_runbook_says_where_to_add_one_and_whom_to_ask() {
    let reply = shop().bot().reply("runbook checkout");
    assert_eq!(reply.status, Status::NotFound);
    check(
        &shop().bot().say("runbook checkout"),
        expect![[r#"
            checkout has no runbook.

              Ask Team Checkout in #team-checkout.

              To add one, put runbook.md into acme/checkout; the next sync brings it. Or
              name a path or address in the annotation steward.dev/runbook.

            → Write one   https://github.example/acme/checkout/new/HEAD?filename=runbook.md&value=%23+checkout+runbook%0A%0A%23%23+Restart%0A%0A%23%23+Roll+back%0A%0A%23%23+Fail+over%0A
            → Owner       /owner component:default/checkout
            → Repository  https://github.example/acme/checkout
        "#]],
    );
}

#[test]
fn an_annotated_runbook_is_preferred_and_an_old_one_doubted() {
    let mut world = shop();
    world.component("search").annotate("steward.dev/runbook", "ops/on-call.md");
    world.runbook("acme/search", "runbook.md", "the wrong one");
    world.runbook("acme/search", "ops/on-call.md", "the right one").origin.committed_at = Some(now() - Duration::days(430));
    world.component("mail").annotate("steward.dev/runbook", "https://wiki.example/mail");
    let search = world.bot().say("runbook search");
    assert!(search.contains("the right one") && !search.contains("the wrong one"), "{search}");
    assert!(search.contains("! Nobody has changed this runbook for 14 months."), "{search}");
    let mail = world.bot().say("runbook mail");
    assert!(mail.starts_with("The runbook of mail is kept elsewhere: https://wiki.example/mail"), "{mail}");
}

#[test]
fn a_long_runbook_is_read_page_by_page_to_its_last_word() {
    let mut world = shop();
    let mut text = "# Long\n".to_owned();
    for number in 0..60 {
        text.push_str(&format!("\n## Part {number}\n\n{}\n", "word ".repeat(30)));
    }
    world.runbook("acme/ledger", "runbook.md", &text);
    let reply = world.bot().reply("runbook ledger");
    assert!(reply.cards[0].body.len() <= 40, "{}", reply.cards[0].body.len());
    let (mut read, mut line) = (String::new(), "runbook ledger".to_owned());
    for number in 1.. {
        let page = world.bot().reply(&line);
        assert!(page.lead.to_plain().contains(&format!("Page {number} of ")), "{}", page.lead.to_plain());
        read.push_str(&world.bot().say(&line));
        let more = page.cards[0].buttons.iter().find(|button| button.label == "More");
        let Some(Does::Say(next)) = more.map(|button| &button.does) else { break };
        line.clone_from(next);
    }
    for number in 0..60 {
        assert!(read.contains(&format!("Part {number}\n")), "part {number} is on no page");
    }
    assert_eq!(read.split_whitespace().filter(|word| *word == "word").count(), 60 * 30);
    for button in &reply.cards[0].buttons {
        let Does::Say(line) = &button.does else { panic!("a section is a command line") };
        assert!(line.chars().count() <= 100, "{line}");
        assert_eq!(world.bot().reply(line).status, Status::Answered);
    }
}

#[test]
fn the_runbook_of_what_nobody_owns_says_whom_to_ask() {
    let mut world = shop();
    world.component("reviews").owner("user:default/karen.white").system("payments");
    world.runbook("acme/reviews", "runbook.md", "Ask Karen.");
    let said = world.bot().say("runbook reviews");
    let warned = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let warning = "! The owner user:default/karen.white is not in the catalog; they may have left. \
                   Ask Team Payments, who own the system Payments, in #team-payments.";
    assert!(warned.contains(warning), "{said}");
}

#[test]
fn where_there_is_no_runbook_the_nearest_documents_and_a_page_to_write_one_are_offered() {
    let bot = sample_bot();
    let components: Vec<String> = {
        let catalog = bot.app.catalog.load();
        let all = catalog.entries().iter().filter(|entry| entry.entity.kind == Kind::Component);
        let without = all.filter(|entry| !steward::commands::runbook::exists(&catalog, entry));
        without.map(|entry| entry.entity.entity_ref.to_string()).collect()
    };
    let replies: Vec<Reply> = components.iter().map(|name| bot.reply(&format!("runbook {name}"))).collect();
    assert!(replies.len() > 5 && replies.iter().all(|reply| reply.status == Status::NotFound));
    let offered = |reply: &Reply| {
        reply
            .buttons
            .iter()
            .any(|button| matches!(&button.does, Does::Open(url) if url.contains("/new/HEAD?filename=runbook.md&value=")))
    };
    assert!(replies.iter().filter(|reply| offered(reply)).count() > 3);
    let with_documents = |reply: &&Reply| format!("{:?}", reply.cards).contains("What comes nearest in the documents:");
    let nearest: Vec<&Reply> = replies.iter().filter(with_documents).collect();
    assert!(!nearest.is_empty(), "some have documents");
    for reply in &nearest {
        let said = format!("{:?}", reply.cards);
        assert!(said.contains("/blob/"), "a link to the heading at its commit: {said}");
    }
}

#[test]
fn several_runbooks_in_a_folder_are_found_by_name_and_by_section() {
    let mut world = shop();
    world.component("bank");
    world.runbook("acme/bank", "runbooks/README.md", "# Bank\n\nStart here.\n");
    world.runbook(
        "acme/bank",
        "runbooks/failover.md",
        "# Failing over\n\n## Promote\n\nPromote the replica.\n\n## Tell\n\nTell everybody.\n",
    );
    world.runbook(
        "acme/bank",
        "runbooks/db/restore.md",
        "# Restoring\n\n## Promote\n\nNot this one.\n\n## From tape\n\nFind the tape.\n",
    );
    let bot = world.bot();
    let first = bot.reply("runbook bank");
    assert!(bot.say("runbook bank").contains("Start here."));
    let lines = |reply: &Reply| -> Vec<String> {
        let buttons = reply.cards.iter().flat_map(|card| &card.buttons).chain(&reply.buttons);
        buttons.filter_map(|button| if let Does::Say(line) = &button.does { Some(line.clone()) } else { None }).collect()
    };
    assert!(lines(&first).contains(&"runbook component:default/bank failover".to_owned()), "{:?}", lines(&first));
    for said in [bot.say("runbook bank failover"), bot.say("runbook bank fail-over"), bot.say("runbook bank failovers")] {
        assert!(said.contains("Promote the replica.") && said.contains("Tell everybody."), "{said}");
    }
    assert!(bot.say("runbook bank from tape").contains("Find the tape."));
    // A section's button leads to the section of that file.
    let second = bot.reply("runbook bank db restore");
    let promote = lines(&second).into_iter().find(|line| line.ends_with("promote")).expect("a button for each section");
    assert!(bot.say(&promote).contains("Not this one."), "{promote}");
    // Beside the main one they are offered, and asked for where it has no such section.
    world.runbook("acme/bank", "runbook.md", "# Main\n\n## Tell\n\nCall the desk.\n");
    let bot = world.bot();
    assert!(bot.say("runbook bank").contains("Call the desk."));
    assert!(bot.say("runbook bank tell").contains("Call the desk."));
    assert!(bot.say("runbook bank from tape").contains("Find the tape."));
    // An annotation may name a folder of another name.
    world.component("desk").annotate("steward.dev/runbook", "ops/");
    world.runbook("acme/desk", "ops/alerts.md", "# Alerts\n\nMute them.\n");
    assert!(world.bot().say("runbook desk").contains("Mute them."));
}
