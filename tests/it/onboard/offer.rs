//! Who joins a team is offered their first day, once.

use chrono::TimeDelta;
use steward::settings::{HygieneSettings, Settings};

use super::{begin, lines, monday, org, sent};
use crate::bot::Bot;

#[tokio::test(flavor = "multi_thread")]
async fn who_joins_a_team_is_offered_it_once_at_an_allowed_hour_and_nobody_is_at_the_first_sync() {
    let bot = begin("ana", Settings::default()).await;
    monday(&bot);
    bot.worker.hold_onboarding().await.unwrap();
    // Tuesday evening.
    bot.pass(TimeDelta::days(1) + TimeDelta::hours(12));
    bot.github.push_file("org", "catalog-info.yaml", org("ana, kim"));
    bot.sync().await;
    bot.worker.hold_onboarding().await.unwrap();
    let kim = Bot::conversation("kim");
    let mut told = bot.app().store.load_told(bot.app().clock.now() - TimeDelta::days(30)).await.unwrap();
    assert!(told.is_empty(), "{told:?}");
    bot.pass(TimeDelta::hours(12));
    bot.worker.hold_onboarding().await.unwrap();
    let offered = bot.messages(&kim, 1).await;
    assert!(offered[0].lead.to_plain().starts_with("Welcome to Team Cart, Kim Lee."), "{}", offered[0].lead.to_plain());
    let start = lines(&offered[0]);
    assert_eq!(start, ["onboard start group:default/team-cart"]);
    assert!(bot.say_as("kim", &start[0]).await.starts_with("Day one in Team Cart: 6 things to find."));
    // Leaving and coming back is no first day.
    for members in ["ana", "ana, kim"] {
        bot.github.push_file("org", "catalog-info.yaml", org(members));
        bot.sync().await;
        bot.worker.hold_onboarding().await.unwrap();
    }
    told = bot.app().store.load_told(bot.app().clock.now() - TimeDelta::days(30)).await.unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    for known in ["ana", "noa", "pat"] {
        assert!(sent(bot.app(), &Bot::conversation(known)).is_empty(), "{known}");
    }
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_offered_it_where_that_is_switched_off() {
    let hygiene = HygieneSettings { offer_first_day: false, ..HygieneSettings::default() };
    let bot = begin("ana", Settings { hygiene, ..Settings::default() }).await;
    monday(&bot);
    bot.worker.hold_onboarding().await.unwrap();
    bot.github.push_file("org", "catalog-info.yaml", org("ana, kim"));
    bot.sync().await;
    bot.worker.hold_onboarding().await.unwrap();
    assert!(bot.app().store.load_told(bot.app().clock.now() - TimeDelta::days(30)).await.unwrap().is_empty());
    assert!(bot.app().store.load_joined(bot.app().clock.now() - TimeDelta::days(1)).await.unwrap().len() == 1);
    bot.halt().await;
}
