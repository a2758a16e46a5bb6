//! The hygiene week: each owner is asked once, confirms entry by entry, and one message shows how far all are.

mod slack;

use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use expect_test::expect;
use steward::{
    app::App,
    chat::{Does, Reply, Response, Status},
    cli::ask::{Colour, render_text},
    hygiene::week::{begins_on, due},
    settings::{HygieneSettings, Settings, WeekSettings},
};

use crate::{
    bot::{Bot, form, reply},
    cluster::new_database,
    fake_github::FakeGithub,
    shop::check,
};

const ORG: &str = r##"apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: platform, title: Platform, annotations: {steward.dev/channel: '#platform'}}
spec: {type: team, children: [], members: [pat]}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: team-cart, title: Team Cart, annotations: {steward.dev/channel: '#cart'}}
spec: {type: team, children: [], members: [ana]}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: team-shop, title: Team Shop, annotations: {steward.dev/channel: '#shop'}}
spec: {type: team, children: [], members: [bo]}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: ana, annotations: {steward.dev/slack-id: U2147483697}}
spec: {memberOf: [], profile: {displayName: Ana Silva}}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: bo}
spec: {memberOf: [], profile: {displayName: Bo Larsen}}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: pat}
spec: {memberOf: [], profile: {displayName: Pat Reed}}
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: shop, title: Shop, description: Where people buy.}
spec: {owner: team-shop}
"##;

/// One service of seven, of which the first has no runbook.
fn services() -> String {
    let one = |number: usize| {
        let lifecycle = if number == 1 { "production" } else { "experimental" };
        format!(
            "apiVersion: backstage.io/v1alpha1\nkind: Component\n\
             metadata: {{name: cart-{number}, title: Cart {number}, description: Keeps part {number}., \
             annotations: {{backstage.io/techdocs-ref: 'dir:.'}}}}\n\
             spec: {{owner: team-cart, type: service, lifecycle: {lifecycle}, system: shop}}\n"
        )
    };
    (1..=7).map(one).collect::<Vec<_>>().join("---\n")
}

async fn github() -> FakeGithub {
    let github = FakeGithub::start("acme").await;
    github.add_repository("org", &[("catalog-info.yaml", ORG)]);
    github.add_repository("cart", &[("catalog-info.yaml", &services())]);
    github
}

fn settings(week: WeekSettings) -> Settings {
    Settings { hygiene: HygieneSettings { week, ..HygieneSettings::default() }, ..Settings::default() }
}

async fn begin(week: WeekSettings) -> Bot {
    let bot = Bot::with_settings(github().await, new_database().await, settings(week)).await;
    bot.sync().await;
    bot
}

fn lines(reply: &Reply) -> Vec<String> {
    let buttons = reply.buttons.iter().chain(reply.cards.iter().flat_map(|card| &card.buttons));
    let said = buttons.filter_map(|button| if let Does::Say(line) = &button.does { Some(line.clone()) } else { None });
    said.collect()
}

fn sent(app: &App, channel: &str) -> Vec<Reply> {
    let board = app.outbox.playground.as_ref().unwrap();
    board.messages(channel).into_iter().map(|posted| posted.reply.clone()).collect()
}

fn text(reply: &Reply) -> String {
    render_text(&Response::Reply(reply.clone()), 100, Colour::Off)
}

fn day(written: &str) -> NaiveDate {
    written.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_owner_is_asked_once_and_a_bar_in_the_channel_follows_what_they_confirm() {
    let bot = begin(WeekSettings { channel: Some("#catalog".to_owned()), ..WeekSettings::default() }).await;
    let none = bot.say_as("ana", "hygiene week").await;
    assert!(none.starts_with("No hygiene week is held now, and none is planned: hygiene.week.held in steward.yaml"), "{none}");
    assert_eq!(bot.ask("ana", "hygiene week start").await.status, Status::Refused);
    let begun = bot.say_as("pat", "hygiene week start").await;
    assert!(begun.starts_with("The hygiene week has begun"), "{begun}");
    assert!(bot.say_as("pat", "hygiene week start").await.starts_with("A hygiene week is held already"));
    // Saturday.
    bot.worker.hold_week().await.unwrap();
    bot.pass(TimeDelta::days(2) + TimeDelta::hours(1));
    let all = |channel: &str| sent(bot.app(), channel);
    assert!(all("#cart").is_empty());
    bot.worker.hold_week().await.unwrap();
    bot.until("both are asked", async |_| !all("#cart").is_empty() && !all("#shop").is_empty()).await;
    bot.worker.hold_week().await.unwrap();
    check(
        &text(&all("#cart")[0]),
        expect![[r#"
        Team Cart: it is hygiene week. Is each of your 7 entries still right? Page 1 of 2.

        Cart 1
          service, in production, part of Shop. Keeps part 1.
          Open there: no runbook.
        → Still right  /hygiene right component:default/cart-1
        → Not ours     /hygiene disown component:default/cart-1
        → Fix          /hygiene fix runbook-missing:component:default/cart-1
        Nobody has confirmed it yet · component:default/cart-1

        Cart 2
          service, in experimental, part of Shop. Keeps part 2.
        → Still right  /hygiene right component:default/cart-2
        → Not ours     /hygiene disown component:default/cart-2
        → The file     https://github.com/acme/cart/blob/aa1fe253561facee20386f0de8e72db5a55c7273/catalog-info.yaml
        Nobody has confirmed it yet · component:default/cart-2

        Cart 3
          service, in experimental, part of Shop. Keeps part 3.
        → Still right  /hygiene right component:default/cart-3
        → Not ours     /hygiene disown component:default/cart-3
        → The file     https://github.com/acme/cart/blob/aa1fe253561facee20386f0de8e72db5a55c7273/catalog-info.yaml
        Nobody has confirmed it yet · component:default/cart-3

        Cart 4
          service, in experimental, part of Shop. Keeps part 4.
        → Still right  /hygiene right component:default/cart-4
        → Not ours     /hygiene disown component:default/cart-4
        → The file     https://github.com/acme/cart/blob/aa1fe253561facee20386f0de8e72db5a55c7273/catalog-info.yaml
        Nobody has confirmed it yet · component:default/cart-4

        Cart 5
          service, in experimental, part of Shop. Keeps part 5.
        → Still right  /hygiene right component:default/cart-5
        → Not ours     /hygiene disown component:default/cart-5
        → The file     https://github.com/acme/cart/blob/aa1fe253561facee20386f0de8e72db5a55c7273/catalog-info.yaml
        Nobody has confirmed it yet · component:default/cart-5

        → All 7 still right  /hygiene allright group:default/team-cart
        → Show more          /hygiene week group:default/team-cart page 2
    "#]],
    );
    let pressed = lines(&all("#cart")[0]);
    assert!(pressed.contains(&"hygiene week group:default/team-cart page 2".to_owned()), "{pressed:?}");

    let stranger = bot.ask("bo", "hygiene right component:default/cart-1").await.lead.to_plain();
    assert_eq!(stranger, "Only people of Team Cart and admins may confirm it. Nothing was changed.");
    let right = bot.ask("ana", "hygiene right component:default/cart-1").await.lead.to_plain();
    assert_eq!(right, "✓ Cart 1 is right as it stands, says Ana Silva. Thank you.");
    let left = bot.say_as("ana", "hygiene week mine").await;
    assert!(left.starts_with("Team Cart: 1 of 7 are looked at. Are the other 6 still right? Page 1 of 2."), "{left}");
    let card = bot.say_as("bo", "owner cart-1").await;
    assert!(card.contains("Confirmed as right just now by Ana Silva."), "{card}");
    check(
        &bot.say("hygiene week").await,
        expect![[r#"
        Hygiene week: ▓░░░░░░░░░ 1 of 8 entries are looked at.

          - ▓░░░░░░░░░ Team Cart: 1 of 7
          - ░░░░░░░░░░ Team Shop: 0 of 1

          Begun by Pat Reed; it ends on Saturday, 28 November.

        → Mine  /hygiene week mine
    "#]],
    );
    bot.until("one message shows it", async |_| {
        bot.worker.hold_week().await.unwrap();
        all("#catalog").iter().any(|shown| text(shown).contains("1 of 8"))
    })
    .await;
    assert_eq!(all("#catalog").len(), 1, "it is drawn anew in its place");

    let done = bot.ask("ana", "hygiene allright group:default/team-cart").await.lead.to_plain();
    assert_eq!(done, "✓ 6 entries of Team Cart are right as they stand, says Ana Silva. Thank you.");
    let thanks = bot.say_as("ana", "hygiene week mine").await;
    assert!(thanks.starts_with("Team Cart: ✓ all of your 7 entries are looked at. Thank you."), "{thanks}");
    bot.pass(TimeDelta::days(7));
    bot.worker.hold_week().await.unwrap();
    bot.until("it is over", async |_| {
        all("#catalog").iter().any(|shown| {
            let lead = shown.lead.to_plain();
            lead == "The hygiene week is over: 7 of 8 entries were looked at, and 1 of 2 owners are through. Thank you."
        })
    })
    .await;
    assert!(bot.say("hygiene week").await.starts_with("No hygiene week is held now"));
    let card = bot.say_as("bo", "owner cart-1").await;
    assert!(card.contains("Confirmed as right 7 days ago by Ana Silva."), "{card}");
    bot.halt().await;
}

/// Each replica has a board of its own; together they hold each message once.
#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_ask_each_owner_once() {
    let bot = begin(WeekSettings { channel: Some("#catalog".to_owned()), ..WeekSettings::default() }).await;
    bot.ask("pat", "hygiene week start").await;
    let other = Bot::beside(Arc::clone(&bot.github), Arc::clone(&bot.database)).await;
    other.sync().await;
    for replica in [&bot, &other] {
        replica.pass(TimeDelta::days(2) + TimeDelta::hours(1));
    }
    for _ in 0..3 {
        let (one, another) = tokio::join!(bot.worker.hold_week(), other.worker.hold_week());
        one.unwrap();
        another.unwrap();
    }
    let told = bot.app().store.load_told(bot.app().clock.now() - TimeDelta::days(30)).await.unwrap();
    let keys: Vec<_> = told.iter().map(|told| told.key.clone()).collect();
    let names: Vec<&str> = keys.iter().map(|key| key.team.as_str()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    bot.until("all is sent", async |app| app.store.count_due(&keys).await.unwrap() == 0).await;
    for channel in ["#cart", "#shop", "#catalog"] {
        assert_eq!(sent(bot.app(), channel).len() + sent(other.app(), channel).len(), 1, "{channel}");
    }
    other.halt().await;
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_theirs_is_a_finding_until_somebody_else_owns_it_and_counts_as_wrong() {
    let bot = begin(WeekSettings::default()).await;
    bot.worker.check_and_look().await.unwrap();
    let before = bot.say("catalog").await.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(before.contains("Wrong entries, by estimate: 0.0 % (owners have judged none of them lately;"), "{before}");
    let opened = bot.open_form("ana", "hygiene disown component:default/cart-2").await;
    let intro = opened.intro.to_plain();
    let noted = "It is noted that this is not yours; /hygiene right cart-2 takes that back. Cart 2: its owner says";
    assert!(intro.replace('`', "").starts_with(noted), "{intro}");
    bot.ask("ana", "hygiene right component:default/cart-3").await;
    bot.worker.check_and_look().await.unwrap();
    let after = bot.say("catalog").await.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        after.contains("Wrong entries, by estimate: 12.5 % (1 of 2 that owners have judged lately; 0 of 6 others"),
        "{after}"
    );
    let open = bot.say_as("ana", "hygiene cart-2").await;
    assert!(open.contains("Cart 2: its owner says that it is not theirs"), "{open}");
    let asked = reply(bot.submit("ana", &opened, &[("owner", "team-shop")]).await).lead.to_plain();
    assert!(asked.starts_with("Thank you. Team Shop are asked whether Cart 2 is theirs."), "{asked}");
    let question = bot.messages("#shop", 1).await.pop().unwrap();
    let accept = lines(&question).into_iter().find(|line| line.starts_with("hygiene accept")).unwrap();
    let taken = form(reply_or_form(&bot, "bo", &accept).await);
    assert_eq!(taken.fields[0].name, "owner");
    // What is handed on with a finding of it counts as well.
    let handed = bot.open_form("ana", "hygiene notours runbook-missing:component:default/cart-1").await;
    bot.submit("ana", &handed, &[("owner", "team-shop")]).await;
    bot.worker.check_and_look().await.unwrap();
    let handed = bot.say("catalog").await.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        handed.contains("Wrong entries, by estimate: 25.0 % (2 of 3 that owners have judged lately; 0 of 5 others"),
        "{handed}"
    );
    bot.github.push_file("cart", "catalog-info.yaml", services().replacen("owner: team-cart", "owner: team-shop", 2));
    bot.sync().await;
    let open = bot.say_as("bo", "hygiene cart-2").await;
    assert!(!open.contains("is not theirs"), "{open}");
    bot.halt().await;
}

async fn reply_or_form(bot: &Bot, login: &str, line: &str) -> Response {
    Response::Form(Box::new(bot.open_form(login, line).await))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_stands_for_a_touch_and_so_does_the_annotation() {
    let bot = begin(WeekSettings::default()).await;
    // Two years on.
    bot.pass(TimeDelta::days(730));
    let touched = |text: &str| !text.contains("not touched for long");
    assert!(!touched(&bot.say_as("ana", "hygiene cart-4").await));
    bot.ask("ana", "hygiene right cart-4").await;
    assert!(touched(&bot.say_as("ana", "hygiene cart-4").await));
    assert!(!touched(&bot.say_as("ana", "hygiene cart-5").await));
    let verified = services()
        .replace("title: Cart 5, description", "title: Cart 5, annotations: {steward.dev/verified: '2028-11-01'}, description");
    let verified = verified.replace("part 5., annotations: {backstage.io/techdocs-ref: 'dir:.'}", "part 5.");
    bot.github.push_file("cart", "catalog-info.yaml", verified);
    bot.sync().await;
    let card = bot.say("owner cart-5").await;
    assert!(card.contains("in its descriptor."), "{card}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calendar_begins_one_a_quarter_where_that_is_switched_on() {
    let settings = WeekSettings { held: true, ..WeekSettings::default() };
    // The first Monday of the quarter is 5 October 2026.
    assert_eq!(begins_on(&settings, day("2026-11-21")), day("2026-11-09"));
    assert_eq!(due(&settings, day("2026-11-08")), None);
    assert_eq!(due(&settings, day("2026-11-15")), Some(day("2026-11-09")));
    assert_eq!(due(&settings, day("2026-11-16")), None);
    assert_eq!(begins_on(&settings, day("2027-01-01")), day("2027-02-08"));
    assert_eq!(due(&WeekSettings::default(), day("2026-11-10")), None);
    // Today is Saturday of the seventh week.
    let bot = begin(WeekSettings { held: true, week_of_quarter: 8, channel: None }).await;
    bot.worker.hold_week().await.unwrap();
    assert!(bot.say("hygiene week").await.starts_with("No hygiene week is held now. The next begins on Monday, 23 November."));
    bot.pass(TimeDelta::days(2) + TimeDelta::hours(1));
    bot.worker.hold_week().await.unwrap();
    bot.messages("#cart", 1).await;
    assert!(bot.say("hygiene week").await.contains("Begun by the calendar"));
    for _ in 0..3 {
        bot.pass(TimeDelta::days(3));
        bot.worker.hold_week().await.unwrap();
    }
    bot.worker.hold_week().await.unwrap();
    assert!(bot.say("hygiene week").await.starts_with("No hygiene week is held now. That of this quarter is over."));
    assert_eq!(sent(bot.app(), "#cart").len(), 1);
    bot.halt().await;
}
