//! `/audit`: everything that was asked to change, with its result, and what was denied.

use steward::chat::{Response, Status};

use crate::{bot::Bot, shop::shop};

const ORG: &str = "apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: platform, title: Platform, annotations: { steward.dev/channel: '#platform' } }
spec: { type: team, children: [] }
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: ada }
spec: { memberOf: [platform], profile: { displayName: Ada Lovelace } }
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: bob }
spec: { memberOf: [], profile: { displayName: Bob } }
";

fn component(name: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{ name: {name} }}\nspec: {{ type: service, lifecycle: production, owner: platform }}\n"
    )
}

async fn bot() -> Bot {
    // As `main` does; a second time does no harm.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (cart, till) = (component("cart"), component("till"));
    let bot = Bot::of_descriptors(&[("org", ORG), ("cart", &cart), ("till", &till)]).await;
    bot.sync().await;
    bot
}

async fn report(bot: &Bot, who: &str, name: &str) {
    let form = bot.open_form(who, &format!("/report {name}")).await;
    let Response::Form(second) = bot.submit(who, &form, &[("what", "lifecycle")]).await else { panic!("the second page") };
    let Response::Reply(reply) = bot.submit(who, &second, &[("note", "it is retired")]).await else { panic!("a reply") };
    assert_eq!(reply.status, Status::Answered);
}

/// The log's lines, newest first, without their times and details.
async fn lines(bot: &Bot, line: &str) -> Vec<String> {
    let reply = bot.ask("ada", line).await;
    let mut lines = Vec::new();
    for block in reply.cards.iter().flat_map(|card| &card.body) {
        if let steward::chat::Block::List { items, .. } = block {
            for item in items {
                let said = item.text.to_plain();
                let first = said.lines().next().unwrap();
                lines.push(first.split_once(" UTC ").unwrap().1.to_owned());
            }
        }
    }
    lines
}

async fn all_have_ended(bot: &Bot) {
    bot.until("all has ended", async |_| {
        let lines = lines(bot, "/audit").await;
        !lines.iter().any(|line| line.ends_with("under way"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_act_is_in_it_with_its_result() {
    let bot = bot().await;
    assert!(bot.say_as("ada", "/audit").await.starts_with("Nothing is in the audit log"), "reading leaves no line");
    bot.say_as("ada", "/catalog sync").await;
    bot.say_as("ada", "/catalog restore acme/never-there").await;
    bot.say_as("ada", "/catalog add https://unreachable.invalid/catalog-info.yaml").await;
    bot.say_as("ada", "/catalog remove-url https://unreachable.invalid/catalog-info.yaml").await;
    report(&bot, "bob", "cart").await;
    bot.say_as("ada", "/channel platform").await;
    bot.say_as("bob", "/catalog sync").await;
    bot.say_as("bob", "/audit ada").await;
    all_have_ended(&bot).await;
    let told = lines(&bot, "/audit").await;
    assert_eq!(
        told,
        [
            "Bob (playground bob): audit ada, denied",
            "Bob (playground bob): catalog sync, denied",
            "Ada Lovelace (playground ada): channel set group:platform, done",
            "Bob (playground bob): report component:cart, sent",
            "Ada Lovelace (playground ada): catalog remove-url https://unreachable.invalid/catalog-info.yaml, refused",
            "Ada Lovelace (playground ada): catalog add https://unreachable.invalid/catalog-info.yaml, refused",
            "Ada Lovelace (playground ada): catalog restore acme/never-there, nothing to restore",
            "Ada Lovelace (playground ada): catalog sync all sources, done",
        ]
    );
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_filtered_by_entity_person_and_piece_of_an_address_and_has_pages() {
    let bot = bot().await;
    report(&bot, "bob", "cart").await;
    report(&bot, "ada", "till").await;
    bot.say_as("ada", "/catalog restore acme/gone-thing").await;
    all_have_ended(&bot).await;
    let cart = "Bob (playground bob): report component:cart, sent";
    assert_eq!(lines(&bot, "/audit cart").await, [cart]);
    assert_eq!(lines(&bot, "/audit bob").await, [cart]);
    assert_eq!(lines(&bot, "/audit user:default/bob").await, [cart]);
    assert_eq!(lines(&bot, "/audit GONE-thing").await.len(), 1);
    assert_eq!(lines(&bot, "/audit ada").await.len(), 2);
    let nothing = bot.say_as("ada", "/audit never-heard-of").await;
    assert!(nothing.starts_with("Nothing is in the audit log about “never-heard-of”"), "{nothing}");
    let detail = bot.say_as("ada", "/audit cart").await;
    assert!(detail.contains("note: it is retired; what: lifecycle"), "{detail}");
    for at in 0..9 {
        bot.say_as("ada", &format!("/catalog restore acme/thing-{at}")).await;
    }
    let first = bot.ask("ada", "/audit").await;
    assert_eq!(first.lead.to_plain(), "12 lines are in the audit log; these are 1 to 10.");
    assert_eq!(lines(&bot, "/audit page 2").await.len(), 2);
    let past = bot.ask("ada", "/audit page 9").await;
    assert_eq!(past.lead.to_plain(), "12 lines are in the audit log; these are 1 to 10.");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_tries_everything_does_not_fill_it() {
    let bot = bot().await;
    for at in 0..40 {
        bot.say_as("bob", &format!("/catalog remove-url https://example.com/{at}")).await;
    }
    assert_eq!(
        bot.ask("ada", "/audit bob").await.lead.to_plain(),
        "30 lines are in the audit log by or about Bob; these are 1 to 10."
    );
    bot.halt().await;
}

#[test]
fn without_postgresql_it_says_what_is_missing() {
    let bot = shop().bot().by("ana.silva").admin("group:default/team-payments");
    let reply = bot.reply("audit");
    assert_eq!(reply.status, Status::Refused);
    assert_eq!(reply.lead.to_plain(), "The audit log is kept in PostgreSQL, which cannot be reached now.");
}
