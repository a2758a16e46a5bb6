//! Day one in a team: its list, what is ticked, what could not be found, and who is offered it.

mod asides;
mod offer;
mod slack;

use chrono::TimeDelta;
use expect_test::expect;
use steward::{
    app::App,
    chat::{Does, ListItem, Reply, Status},
    settings::Settings,
};

use crate::{
    bot::Bot,
    cluster::{connect, new_database},
    fake_github::FakeGithub,
    shop::check,
};

/// With somebody in the team besides Ana.
fn org(cart: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Group\n\
         metadata: {{name: platform, title: Platform, annotations: {{steward.dev/channel: '#platform'}}}}\n\
         spec: {{type: team, children: [], members: [pat]}}\n---\n\
         apiVersion: backstage.io/v1alpha1\nkind: Group\n\
         metadata: {{name: team-cart, title: Team Cart, annotations: {{steward.dev/channel: '#cart'}}}}\n\
         spec: {{type: team, children: [], members: [{cart}]}}\n---\n\
         apiVersion: backstage.io/v1alpha1\nkind: Group\n\
         metadata: {{name: team-new, title: Team New}}\n\
         spec: {{type: team, children: [], members: [noa]}}\n"
    )
}

const PEOPLE: &str = "apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: ana, annotations: {steward.dev/slack-id: U0ANA}}
spec: {memberOf: [], profile: {displayName: Ana Silva}}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: kim, annotations: {steward.dev/slack-id: U2147483697}}
spec: {memberOf: [], profile: {displayName: Kim Lee}}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: noa}
spec: {memberOf: [], profile: {displayName: Noa Berg}}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: pat}
spec: {memberOf: [], profile: {displayName: Pat Reed}}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: lone}
spec: {memberOf: [], profile: {displayName: Lone Wolff}}
";

const CART: &str = "apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: cart
  title: Cart
  description: Keeps what people want to buy.
  annotations: {backstage.io/techdocs-ref: 'dir:.'}
spec: {owner: team-cart, type: service, lifecycle: production, dependsOn: ['component:wishes']}
";

const WISHES: &str = "apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: wishes
  title: Wishes
  description: Keeps wish lists.
  links: [{url: 'https://grafana.example.com/d/wishes', title: Wishes at a glance}]
spec: {owner: team-cart, type: service, lifecycle: experimental}
";

fn github(cart: &str) -> impl Future<Output = FakeGithub> {
    let org = org(cart);
    async move {
        let github = FakeGithub::start("acme").await;
        github.add_repository("org", &[("catalog-info.yaml", &org)]);
        github.add_repository("people", &[("catalog-info.yaml", PEOPLE)]);
        github.add_repository("cart", &[("catalog-info.yaml", CART)]);
        github.add_repository("wishes", &[("catalog-info.yaml", WISHES)]);
        github
    }
}

async fn begin(cart: &str, settings: Settings) -> Bot {
    let bot = Bot::with_settings(github(cart).await, new_database().await, settings).await;
    bot.sync().await;
    bot
}

fn lines(reply: &Reply) -> Vec<String> {
    let buttons = reply.buttons.iter().chain(reply.cards.iter().flat_map(|card| &card.buttons));
    let said = buttons.filter_map(|button| if let Does::Say(line) = &button.does { Some(line.clone()) } else { None });
    said.collect()
}

fn ticks(reply: &Reply) -> Vec<bool> {
    let is_list = |block: &steward::chat::Block| match block {
        steward::chat::Block::List { items, .. } => items.iter().filter_map(|item: &ListItem| item.checked).collect(),
        _ => Vec::new(),
    };
    reply.cards.iter().flat_map(|card| &card.body).flat_map(is_list).collect()
}

fn sent(app: &App, channel: &str) -> Vec<Reply> {
    let board = app.outbox.playground.as_ref().unwrap();
    board.messages(channel).into_iter().map(|posted| posted.reply.clone()).collect()
}

/// Monday, a little after nine, when everybody may be written to.
fn monday(bot: &Bot) {
    bot.pass(TimeDelta::days(2) + TimeDelta::hours(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_is_shown_six_things_of_their_own_team_and_each_is_ticked_once_it_was_seen() {
    let bot = begin("ana, kim", Settings::default()).await;
    let list = bot.say_as("kim", "onboard").await;
    assert_eq!(bot.say_as("kim", "onboard cart").await, list, "of a thing its team is meant");
    check(
        &list,
        expect![[r#"
        Day one in Team Cart: 6 things to find. Each button shows the answer.

          [ ] Who answers for Cart
          [ ] The runbook of Cart
          [ ] The dashboard of Wishes
          [ ] The docs of Cart
          [ ] What it leans on: Cart
          [ ] Who is on call for Cart
        → Owner: Cart         /onboard see owner:component:default/cart
        → Runbook: Cart       /onboard see runbook:component:default/cart
        → Dashboard: Wishes   /onboard see dashboard:component:default/wishes
        → Docs: Cart          /onboard see docs:component:default/cart
        → Dependencies: Cart  /onboard see deps:component:default/cart
        → On call: Cart       /onboard see oncall:component:default/cart
        Only you see how far you are.
    "#]],
    );
    for line in lines(&bot.ask("kim", "onboard").await) {
        assert!(line.starts_with("onboard see "), "{line}");
    }
    for question in ["I'm new here", "where do I start?", "I am new in team-cart"] {
        assert_eq!(bot.say_as("kim", question).await, list, "{question}");
    }
    // The same answer as the command's own.
    let seen = bot.ask("kim", "onboard see owner:component:default/cart").await;
    let owner = bot.ask("kim", "owner component:default/cart").await;
    assert_eq!((&seen.lead, &seen.cards[..owner.cards.len()]), (&owner.lead, &owner.cards[..]));
    assert!(lines(&seen).contains(&"onboard lost owner:component:default/cart".to_owned()));
    assert_eq!(ticks(&bot.ask("kim", "onboard").await), [true, false, false, false, false, false]);
    // Nobody else's list is ticked.
    assert_eq!(ticks(&bot.ask("ana", "onboard").await), [false; 6]);
    for line in lines(&bot.ask("kim", "onboard").await) {
        assert_eq!(bot.ask("kim", &line).await.status, Status::Answered, "{line}");
    }
    let done = bot.ask("kim", "onboard").await;
    assert_eq!(done.lead.to_plain(), "Day one in Team Cart: ✓ you have seen all of it. Welcome.");
    assert_eq!(done.audience, steward::chat::Audience::Asker);
    bot.worker.hold_onboarding().await.unwrap();
    let counted = bot.say("catalog").await;
    assert!(counted.contains("1 newcomer has seen 6 steps of /onboard; all of it was found."), "{counted}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_found_is_a_finding_and_one_polite_message_that_its_owner_answers() {
    let bot = begin("ana, kim", Settings::default()).await;
    let none = bot.say_as("kim", "onboard see runbook:component:default/cart").await;
    assert!(none.contains("I could not find it"), "{none}");
    assert!(bot.say("onboard lost runbook:component:default/cart").await.starts_with("Only people whom the catalog knows may"));
    let lost = bot.ask("kim", "onboard lost runbook:component:default/cart").await.lead.to_plain();
    assert_eq!(
        lost,
        "Thank you. Team Cart are asked for the runbook of Cart, once, at an hour at which they may be written to. You hear \
         from me when it is there."
    );
    let again = bot.ask("pat", "onboard lost runbook:component:default/cart").await.lead.to_plain();
    assert_eq!(again, "Somebody has looked for it before you: Team Cart are asked for the runbook of Cart already.");
    bot.ask("kim", "onboard lost docs:component:default/wishes").await;
    let open = bot.ask("ana", "hygiene team-cart").await;
    let found = lines(&open);
    assert!(found.contains(&"hygiene fix runbook-not-found:component:default/cart".to_owned()), "{found:?}");
    assert!(found.contains(&"onboard found runbook:component:default/cart".to_owned()), "{found:?}");
    assert!(bot.say_as("kim", "onboard").await.contains("was not found, its owner is asked"));

    // Saturday: nobody is written to.
    bot.pass(TimeDelta::hours(1));
    bot.worker.hold_onboarding().await.unwrap();
    bot.worker.check_and_look().await.unwrap();
    bot.pass(TimeDelta::days(2));
    let other = Bot::beside(std::sync::Arc::clone(&bot.github), std::sync::Arc::clone(&bot.database)).await;
    other.sync().await;
    other.pass(TimeDelta::days(2) + TimeDelta::hours(1));
    assert!(sent(bot.app(), "#cart").is_empty() && sent(other.app(), "#cart").is_empty());
    let (one, another) = tokio::join!(bot.worker.hold_onboarding(), other.worker.hold_onboarding());
    one.unwrap();
    another.unwrap();
    let all = |bot: &Bot, other: &Bot| [sent(bot.app(), "#cart"), sent(other.app(), "#cart")].concat();
    bot.until("they are asked", async |_| !all(&bot, &other).is_empty()).await;
    for replica in [&bot, &other] {
        replica.worker.hold_onboarding().await.unwrap();
    }
    let asked = all(&bot, &other);
    assert_eq!(asked.len(), 1, "two things are one message");
    check(
        &steward::cli::ask::render_text(&steward::chat::Response::Reply(asked[0].clone()), 100, steward::cli::ask::Colour::Off),
        expect![[r#"
            Team Cart: Kim Lee looked for 2 things and could not find them. The first: the runbook of Cart.

            Its runbook was not found: Cart
              The catalog has none. Say with steward.dev/runbook where it is, or tell them that it is there.
            → It is there  /onboard found runbook:component:default/cart
            → Fix          /hygiene fix runbook-not-found:component:default/cart
            → Not ours     /hygiene notours runbook-not-found:component:default/cart
            → Snooze       /hygiene snooze runbook-not-found:component:default/cart
            Asked by Kim Lee · component:default/cart

            Its documentation was not found: Wishes
              The catalog has none. Add the annotation backstage.io/techdocs-ref, or tell them that it is there.
            → It is there  /onboard found docs:component:default/wishes
            → Fix          /hygiene fix docs-not-found:component:default/wishes
            → Not ours     /hygiene notours docs-not-found:component:default/wishes
            → Snooze       /hygiene snooze docs-not-found:component:default/wishes
            Asked by Kim Lee · component:default/wishes
        "#]],
    );

    let stranger = bot.ask("noa", "onboard found runbook:component:default/cart").await;
    assert_eq!(stranger.status, Status::Refused);
    let answered = bot.ask("ana", "onboard found runbook:component:default/cart").await.lead.to_plain();
    assert_eq!(answered, "Thank you. Kim Lee hears that the runbook of Cart can be found.");
    let quicker = bot.ask("ana", "onboard found runbook:component:default/cart").await.lead.to_plain();
    assert!(quicker.starts_with("✓ Not open any more"), "{quicker}");
    let kim = Bot::conversation("kim");
    let heard = |bot: &Bot, other: &Bot| [sent(bot.app(), &kim), sent(other.app(), &kim)].concat();
    bot.until("kim hears it", async |_| !heard(&bot, &other).is_empty()).await;
    assert_eq!(heard(&bot, &other)[0].lead.to_plain(), "Ana Silva says that the runbook of Cart can be found now.");
    assert!(!lines(&bot.ask("ana", "hygiene team-cart").await).iter().any(|line| line.contains("runbook-not-found")));
    let mut connection = connect(&bot.database).await;
    let closed: Vec<String> = sqlx::query_scalar("select step from onboard_not_found where closed_by = 'Ana Silva'")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(closed, ["runbook"]);
    other.halt().await;
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_found_closes_by_itself_once_it_is_there_and_whoever_looked_for_it_hears_so() {
    let bot = begin("ana, kim", Settings::default()).await;
    monday(&bot);
    bot.ask("kim", "onboard lost runbook:component:default/cart").await;
    bot.github.push_file("wishes", "README.md", "Nothing of it.");
    bot.sync().await;
    bot.worker.hold_onboarding().await.unwrap();
    let open = |text: &str| text.contains("Its runbook was not found") || text.contains("its runbook was not found");
    assert!(open(&bot.say_as("ana", "hygiene cart").await));
    bot.github.push_file("cart", "docs/runbook.md", "# Cart\n\nTurn it off and on.\n");
    bot.sync().await;
    bot.worker.hold_onboarding().await.unwrap();
    assert!(!open(&bot.say_as("ana", "hygiene cart").await));
    let heard = bot.messages(&Bot::conversation("kim"), 1).await;
    assert_eq!(heard[0].lead.to_plain(), "There is something new where you could not find the runbook of Cart.");
    bot.worker.hold_onboarding().await.unwrap();
    bot.pass(TimeDelta::hours(1));
    bot.worker.hold_onboarding().await.unwrap();
    assert!(sent(bot.app(), "#cart").is_empty(), "nobody is asked for what is there");
    bot.worker.hold_onboarding().await.unwrap();
    let counted = bot.say("catalog").await;
    assert!(counted.contains("1 thing not found at first, all answered since."), "{counted}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_no_team_or_in_one_that_runs_nothing_is_told_what_to_do() {
    let bot = begin("ana, kim", Settings::default()).await;
    let guest = bot.say("onboard").await;
    assert!(guest.starts_with("The catalog does not know who you are, so it cannot know your team."), "{guest}");
    let lone = bot.say_as("lone", "onboard").await;
    assert!(lone.starts_with("The catalog has you in no team yet."), "{lone}");
    let empty = bot.say_as("noa", "onboard").await;
    assert!(empty.starts_with("The catalog knows nothing that Team New runs, so there is nothing to show yet."), "{empty}");
    // Another's team may be looked at, by a guest too.
    let other = bot.say("onboard team-cart").await;
    assert!(other.starts_with("Day one in Team Cart: 6 things to find."), "{other}");
    bot.say("onboard see docs:component:default/cart").await;
    assert!(bot.say("onboard team-cart").await.starts_with("Day one in Team Cart: 1 of 6 seen."));
    assert!(bot.say("onboard see nonsense").await.starts_with("“nonsense” is no step."));
    assert!(bot.say("onboard see docs:component:default/gone").await.contains("is not in the catalog any more"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_found_stays_open_while_a_process_has_not_read_it_yet() {
    let bot = begin("ana, kim", Settings::default()).await;
    bot.ask("kim", "onboard lost runbook:component:default/cart").await;
    let opened = async |bot: &Bot| {
        bot.worker.check_and_look().await.unwrap();
        let open = bot.app().store.load_open_findings().await.unwrap();
        open.get("runbook-not-found:component:default/cart").copied()
    };
    let before = opened(&bot).await;
    assert!(before.is_some());
    let bot = bot.restart().await;
    bot.until("the catalog is there", async |app| app.store.check(app.clock.now()).await.is_ok()).await;
    bot.worker.catch_up().await.unwrap();
    assert_eq!(opened(&bot).await, before);
    bot.halt().await;
}
