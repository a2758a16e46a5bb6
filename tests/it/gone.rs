//! What is gone says so by name: before any neighbour is offered, and also while the database is away.

use steward::{catalog::Catalog, chat::Status, store::load_parts_from_disk};

use crate::{bot::Bot, world};

const TEAM: &str = "apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: team-x, title: Team X }
spec: { type: team, children: [] }
";

fn component(name: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\nspec:\n  type: service\n  lifecycle: production\n  owner: team-x\n"
    )
}

/// `payments-old` has a repository of its own, `ledger-old` lies beside `ledger`; each has a neighbour.
async fn bot() -> Bot {
    let both = format!("{}---\n{}", component("ledger"), component("ledger-old"));
    let (old, older) = (component("payments-old"), component("payments-older"));
    let bot = Bot::of_descriptors(&[("org", TEAM), ("payments-old", &old), ("payments-older", &older), ("ledger", &both)]).await;
    bot.sync().await;
    bot
}

const OLD: &str = "payments-old was removed on 21 November: its repository, acme/payments-old, is gone. It was owned by Team X.";

/// The answer without its line breaks.
async fn say(bot: &Bot, line: &str) -> String {
    bot.say(line).await.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_thing_says_so_before_its_neighbours() {
    let bot = bot().await;
    bot.github.delete("payments-old");
    bot.sync().await;
    for command in ["owner", "deps", "runbook"] {
        for name in ["payments-old", "component:default/payments-old", "Payments Old", "payments_old", "acme/payments-old"] {
            let answer = say(&bot, &format!("/{command} {name}")).await;
            assert!(answer.starts_with(OLD), "/{command} {name}: {answer}");
            assert!(answer.contains("/history component:default/payments-old"), "{answer}");
            let said = answer.find("was removed").unwrap();
            assert!(answer.find(&format!("/{command} component:default/payments-older")).unwrap() > said, "{answer}");
        }
    }
    let reply = bot.ask("guest", "/owner payments-old").await;
    assert_eq!((reply.status, reply.refs), (Status::NotFound, Vec::new()), "nothing that is there is claimed");
    // Whoever only comes near it is not told of the dead.
    assert!(!bot.say("/owner payments-olt").await.contains("was removed"));
    assert!(bot.say("/history payments-old").await.starts_with("payments-old was removed on 21 November"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn why_it_went_is_told_as_it_was() {
    let bot = bot().await;
    bot.github.push_file("ledger", "catalog-info.yaml", component("ledger"));
    bot.github.model(|model| model.change("payments-old", |repo| repo.archived = true));
    bot.sync().await;
    let answer = say(&bot, "/owner ledger-old").await;
    let wanted = "ledger-old was removed on 21 November: acme/ledger no longer declares it. It was owned by Team X.";
    assert!(answer.starts_with(wanted), "{answer}");
    bot.github.push_file("ledger", "catalog-info.yaml", component("ledger-new"));
    bot.sync().await;
    let renamed = bot.say("/owner ledger").await;
    assert!(renamed.starts_with("ledger-new is owned by Team X"), "what has only another name is there: {renamed}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_thing_says_so_without_the_database() {
    let bot = bot().await;
    bot.github.delete("payments-old");
    bot.sync().await;
    bot.worker.catch_up().await.unwrap();
    let parts = load_parts_from_disk(&bot.app().settings.data_dir).unwrap();
    let offline = world::Bot::new(Catalog::build(parts));
    let (owner, history) =
        tokio::task::block_in_place(|| (offline.reply("/owner payments-old"), offline.reply("/history payments-old")));
    assert!(owner.lead.to_plain().starts_with(OLD), "{:?}", owner.lead);
    let history = history.lead.to_plain();
    assert!(history.contains("PostgreSQL") && history.contains(OLD), "{history}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_is_gone_no_more() {
    let bot = bot().await;
    bot.github.delete("payments-old");
    bot.sync().await;
    let text = component("payments-old");
    bot.github.add_repository("payments-old", &[("catalog-info.yaml", text.as_str())]);
    bot.sync().await;
    assert!(bot.say("/owner payments-old").await.starts_with("payments-old is owned by Team X"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owner_that_went_too_is_named_and_marked() {
    let bot = bot().await;
    bot.github.delete("payments-old");
    bot.github.delete("org");
    bot.sync().await;
    let answer = say(&bot, "/owner payments-old").await;
    assert!(answer.contains("It was owned by Team X, which is gone too."), "{answer}");
    bot.halt().await;
}
