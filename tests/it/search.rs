//! Search narrows down, counts, explains itself, shows passages, follows changes and survives a damaged index.

use std::sync::Arc;

use expect_test::{Expect, expect};
use steward::{
    catalog::Question,
    chat::{Block, Does, Reply, Span, Status},
    search::{SearchIndex, Wanted},
};

use crate::{bot::Bot, judged::sample_bot, world::World};

fn check(actual: &str, expected: Expect) {
    expected.assert_eq(actual);
}

const ANY: Wanted<'static> = Wanted { filters: &[], repository: None };

/// References that the index finds for words.
fn found(index: &SearchIndex, words: &str) -> Option<Vec<String>> {
    index.search(&mut Question::read(words), ANY).map(|found| found.entities)
}

#[test]
fn filters_narrow_down_alone_and_beside_words() {
    let bot = sample_bot();
    assert_eq!(
        bot.refs("find kind:component owner:team-checkout"),
        ["component:default/cart", "component:default/checkout", "component:checkout/frontend"]
    );
    assert_eq!(bot.refs("find redis owner:team-checkout")[0], "resource:default/redis-cart");
    assert_eq!(bot.refs("find type:library system:payments").len(), 2);
    let of_repository = bot.refs("find repo:payments-api kind:api");
    assert!(!of_repository.is_empty());
    assert_eq!(of_repository, bot.refs("find repo:acme/payments-api kind:api"));
    assert!(bot.refs("find language:elixir").contains(&"component:default/catalog-service".to_owned()));
    assert!(bot.refs("find domain:money type:service").contains(&"component:default/ledger".to_owned()));
    // By what people call it, without the word that all teams have in their names, and with alternatives.
    assert_eq!(bot.refs("find kind:component owner:checkout"), bot.refs("find kind:component owner:team-checkout"));
    assert_eq!(bot.refs("find tag:saml,mjml kind:component").len(), 2);
    // A reference in full is no filter.
    assert_eq!(bot.refs("find system:default/checkout")[0], "system:default/checkout");
    let none = bot.reply("find ledger owner:team-sre lifecycle:experimental");
    assert_eq!(none.status, Status::NotFound);
    assert!(none.buttons.iter().any(|button| button.does == Does::Say("find ledger lifecycle:experimental".to_owned())));
}

#[test]
fn unknown_values_and_filters_are_answered_by_what_may_be_meant() {
    let bot = sample_bot();
    let value = bot.reply("find owner:team-chekout redis");
    assert_eq!(value.lead.to_plain(), "Nothing has the owner “team-chekout”. Did you mean “team-checkout”?");
    assert_eq!(value.buttons[0].does, Does::Say("find owner:team-checkout redis".to_owned()));
    let key = bot.reply("find onwer:team-checkout");
    assert_eq!(key.lead.to_plain(), "There is no filter “onwer”. Did you mean owner:team-checkout?");
    let far = bot.reply("find lifecycle:zzzzzz");
    assert_eq!(far.lead.to_plain(), "Nothing has the lifecycle “zzzzzz”. These are the most frequent:");
    assert_eq!(far.buttons[0].label, "lifecycle:production");
}

#[test]
fn what_is_found_is_counted_by_a_facet() {
    check(
        &sample_bot().say("find kind:component lifecycle:experimental by owner"),
        expect![[r#"
            4 entries for “kind:component lifecycle:experimental”, by owner: 4 different.

              owner                                             entries  share
              Catalog (team-catalog)                            1        25 %
              Developer Experience (team-developer-experience)  1        25 %
              Insights (team-insights)                          1        25 %
              Messaging (team-messaging)                        1        25 %
            → owner:team-catalog               /find kind:component lifecycle:experimental owner:team-catalog
            → owner:team-developer-experience  /find kind:component lifecycle:experimental owner:team-developer-experience
            → owner:team-insights              /find kind:component lifecycle:experimental owner:team-insights
            → owner:team-messaging             /find kind:component lifecycle:experimental owner:team-messaging

            → As CSV  /find kind:component lifecycle:experimental by owner as csv

            Read from the catalog, synced just now
        "#]],
    );
}

#[test]
fn csv_is_safe_for_spreadsheets_and_says_what_it_leaves_out() {
    let mut world = World::new();
    world.component("plain").describe("=HYPERLINK(\"http://evil\"), says who").owner("team-a");
    let reply = world.bot().reply("find kind:component as csv");
    let Block::Code { text, .. } = &reply.cards[0].body[0] else { panic!("CSV is code") };
    let line = text.lines().nth(1).unwrap();
    assert!(line.starts_with("component:default/plain,Component,service,plain,,team-a,production,"), "{line}");
    assert!(line.ends_with(",\"'=HYPERLINK(\"\"http://evil\"\"), says who\""), "{line}");
    for number in 0..100 {
        world.component(&format!("service-{number:03}")).describe("Something that takes up room in a line.");
    }
    let reply = world.bot().reply("find kind:component csv");
    let Block::Code { text, .. } = &reply.cards[0].body[0] else { panic!("CSV is code") };
    assert!(text.chars().count() < 1_800);
    let shown = text.lines().count() - 1;
    assert!(reply.lead.to_plain().starts_with(&format!("The first {shown} of 101 rows")), "{}", reply.lead.to_plain());
}

#[test]
fn a_result_says_why_it_stands_where_it_does() {
    let mut world = World::new();
    world.component("payments-api").describe("Takes cards.");
    world.component("user").depends_on("payments-api");
    let bot = world.bot();
    let why = |line: &str| bot.say(line).split_whitespace().collect::<Vec<_>>().join(" ");
    let named = why("find payments-api explain");
    check(
        &named[named.find("its name;").unwrap()..named.find(" → ").unwrap()],
        expect![
            "its name; match 80.0 + kind 12.0 + lifecycle 1.5 + dependents 0.2 + component or yours among namesakes 100.0 = 193.7"
        ],
    );
    let described = why("find cards --explain");
    check(
        &described[described.find("cards in").unwrap()..described.find(" → ").unwrap()],
        expect!["cards in description; match 46.8 + kind 12.0 + lifecycle 1.5 + dependents 0.2 = 60.5"],
    );
}

fn bold(reply: &Reply) -> Vec<String> {
    let blocks = reply.cards.iter().flat_map(|card| &card.body);
    let texts = blocks.filter_map(|block| match block {
        Block::Paragraph(text) => Some(text),
        _ => None,
    });
    let spans = texts.flat_map(|text| &text.0);
    spans.filter_map(|span| if let Span::Bold(words) = span { Some(words.clone()) } else { None }).collect()
}

#[test]
fn docs_shows_passages_with_the_words_marked_and_a_link_to_the_heading() {
    let bot = sample_bot();
    let reply = bot.reply("docs payments api rotate the keys");
    assert_eq!(reply.status, Status::Answered);
    assert_eq!(reply.refs, ["component:default/payments-api"]);
    let Span::Link { label, url } = &reply.cards[0].title.0[0] else { panic!("the heading is a link") };
    assert_eq!(label, "Payments API runbook › Rotate keys");
    assert!(url.starts_with("https://github.com/acme/payments-api/blob/") && url.ends_with("/runbook.md#rotate-keys"), "{url}");
    assert!(bold(&reply).iter().any(|word| word.to_lowercase().starts_with("key")), "{:?}", bold(&reply));
    let run = reply.buttons.iter().find(|button| button.label == "Read it in the runbook").unwrap();
    assert_eq!(run.does, Does::Say("runbook component:default/payments-api rotate-keys".to_owned()));
    let idempotency = bot.reply("docs payments-api idempotency");
    assert!(idempotency.cards.iter().any(|card| card.footer.to_plain().starts_with("docs/idempotency.md")));
    let none = bot.reply("docs payments-api hippopotamus");
    assert_eq!(none.lead.to_plain(), "Nothing in the documents of Payments API is about “hippopotamus”.");
    let pages = bot.say("docs payments-api");
    assert!(pages.starts_with("Payments API has 4 documents."), "{pages}");
    let bare = bot.reply("docs gift-cards");
    assert_eq!(bare.status, Status::NotFound);
}

#[test]
fn a_runbook_opens_at_the_section_that_says_most_of_what_was_asked() {
    let bot = sample_bot();
    let lead = |line: &str| bot.reply(line).lead.to_plain();
    assert_eq!(lead("runbook payments-api rotating a key"), "Payments API, runbook: Rotate keys");
    assert_eq!(lead("runbook ledger balance is wrong by zero"), "ledger, runbook: Trial balance not zero");
}

#[test]
fn what_is_asked_for_often_comes_first_among_its_like() {
    let mut world = World::new();
    for name in ["worker-a", "worker-b", "worker-c"] {
        world.component(name);
    }
    let bot = world.bot();
    assert_eq!(bot.refs("find worker")[0], "component:default/worker-a");
    for _ in 0..3 {
        bot.reply("owner worker-c");
    }
    let asked = bot.app.live.asks.load(bot.app.clock.now());
    bot.app.live.set_taste(steward::app::taste(&bot.app.settings.search.weights, &asked));
    assert_eq!(bot.refs("find worker")[0], "component:default/worker-c");
    // What is opened after a search is known, once.
    bot.reply("find worker");
    let account = "playground visitor";
    let now = bot.app.clock.now();
    assert_eq!(bot.app.live.asks.opened("playground other", "component:default/worker-a", now), None);
    assert_eq!(bot.app.live.asks.opened(account, "component:default/worker-a", now), Some(2));
    assert_eq!(bot.app.live.asks.opened(account, "component:default/worker-a", now), None);
}

#[test]
fn an_index_is_kept_on_disk_and_a_damaged_one_is_built_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new();
    world.component("abacus").describe("Counts beads.");
    let catalog = Arc::new(world.catalog());
    let index = SearchIndex::at(folder.path());
    assert_eq!(found(&index, "beads"), None, "nothing is ready yet");
    index.build(&catalog).unwrap();
    assert_eq!(found(&index, "bacu"), Some(vec!["component:default/abacus".to_owned()]));
    drop(index);
    let index = SearchIndex::at(folder.path());
    index.open_existing();
    assert_eq!(found(&index, "beads"), Some(vec!["component:default/abacus".to_owned()]), "it is there at once");
    drop(index);
    for file in std::fs::read_dir(folder.path().join("search")).unwrap().flatten() {
        std::fs::write(file.path(), "not an index").unwrap();
    }
    let index = SearchIndex::at(folder.path());
    index.open_existing();
    assert!(!index.is_ready());
    index.build(&catalog).unwrap();
    assert_eq!(found(&index, "beads"), Some(vec!["component:default/abacus".to_owned()]));
}

#[test]
fn a_change_replaces_what_was_indexed() {
    let mut world = World::new();
    world.group("team-a").display_name("Bookkeepers");
    world.component("abacus").describe("Counts beads.").owner("team-a");
    let first = Arc::new(world.catalog());
    let index = SearchIndex::in_memory();
    index.build(&first).unwrap();
    assert_eq!(found(&index, "bookkeepers").unwrap().len(), 2);
    let mut world = World::new();
    world.group("team-a").display_name("Accountants");
    world.component("abacus").describe("Counts beads.").owner("team-a");
    world.component("slide-rule");
    let second = Arc::new(first.with_parts(world.catalog().parts().clone()));
    index.build(&second).unwrap();
    // An owner's name is found on what it owns.
    assert!(found(&index, "bookkeepers").unwrap().is_empty());
    assert_eq!(found(&index, "accountants").unwrap().len(), 2);
    assert_eq!(found(&index, "slide").unwrap(), ["component:default/slide-rule"]);
    let third = Arc::new(second.with_parts(World::new().catalog().parts().clone()));
    index.build(&third).unwrap();
    assert!(found(&index, "slide").unwrap().is_empty());
}

const DESCRIPTOR: &str = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: abacus\n  description: Counts beads.\n  \
                          annotations: { backstage.io/techdocs-ref: 'dir:.' }\nspec: { type: service, lifecycle: production, owner: team-a }\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_found_by_search_and_so_are_its_documents() {
    let bot = Bot::of_descriptors(&[("abacus", DESCRIPTOR)]).await;
    bot.github.push_file("abacus", "docs/index.md", "# Abacus\n\n## Oil the rods\n\nTwice a year, with linseed oil.\n");
    bot.sync().await;
    bot.until("a passage is found", async |_| bot.say("find linseed").await.contains("Abacus › Oil the rods")).await;
    assert!(bot.say("docs abacus oil").await.contains("linseed"));
    bot.github.push_file("abacus", "catalog-info.yaml", DESCRIPTOR.replace("beads", "hippopotami"));
    bot.github.push_file("abacus", "docs/index.md", "# Abacus\n\n## Replace the rods\n\nOnce worn, with brass.\n");
    bot.sync().await;
    bot.until("the new words are found", async |app| {
        found(&app.search, "hippopotami").is_some_and(|found| found.len() == 1)
            && found(&app.search, "beads").is_some_and(|found| found.is_empty())
    })
    .await;
    bot.until("the new page is found", async |_| bot.say("find brass").await.contains("Replace the rods")).await;
    assert!(!bot.say("find linseed").await.contains("Oil the rods"));
    // After a restart nothing has to be built before it answers.
    let bot = bot.restart().await;
    bot.until("the index is open", async |app| app.search.is_ready()).await;
    assert!(bot.say("find brass").await.contains("Replace the rods"));
    bot.halt().await;
}
