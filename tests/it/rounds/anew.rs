//! What is said again and what is not: rounds that are near one another, messages that were lost, what stays critical.

use chrono::TimeDelta;
use steward::{
    catalog::{
        EntityRef,
        live::{Judged, Verdict},
    },
    hygiene::round::{Occasion, Round},
    store::RoundState,
};

use super::{
    Story, at, heard,
    planned::{TUESDAY, payments, reasons, team, tidy},
};

#[test]
fn last_weeks_round_is_not_told_just_before_this_weeks() {
    let mut world = payments();
    world.find("payments").annotate("steward.dev/time-zone", "America/New_York");
    let catalog = world.catalog();
    let mut story = Story::at("2026-11-24T09:07:00Z");
    story.begun_at = Some(story.now);
    let first = (0..24 * 12).find_map(|_| {
        let round = story.hold(&catalog);
        let told = round.messages.first().map(|message| (story.now.to_rfc3339(), message.sent.key.round.clone()));
        story.now += TimeDelta::minutes(5);
        told
    });
    // 10:00 in New York, or as soon after it as is looked.
    assert_eq!(first, Some(("2026-11-24T15:02:00+00:00".to_owned(), "2026-11-24".to_owned())));
    story.now = at("2026-11-26T15:00:00Z");
    let by_hand = story.plan_for(&catalog, Occasion::ByHand(None));
    assert_eq!(reasons(&by_hand), "group:default/payments: has heard in the round of Tuesday, 24 November\n");
    // Where the next one is not near, what was put off is told late.
    let mut story = Story::at("2026-11-27T15:00:00Z");
    assert_eq!(story.hold(&catalog).messages[0].sent.key.round, "2026-11-24");
}

#[test]
fn a_look_by_hand_says_that_it_is_todays() {
    let catalog = payments().catalog();
    let mut story = Story::at("2026-11-23T12:00:00Z");
    let shown = story.plan_for(&catalog, Occasion::ByHand(None)).to_string();
    assert!(shown.starts_with("The round of today, Monday, 23 November 2026: 1 message\n"), "{shown}");
}

#[test]
fn what_is_lost_was_not_heard_and_it_is_said_why() {
    let catalog = payments().catalog();
    let mut story = Story::at(TUESDAY);
    story.hold(&catalog);
    story.told[0].state = RoundState::Lost;
    story.told[0].reason = Some("#payments refused it: channel_not_found".to_owned());
    let said = "group:default/payments: could not be told in the round of Tuesday, 24 November: #payments refused it: \
                channel_not_found\n";
    assert_eq!(reasons(&story.hold(&catalog)), said);
    let by_hand = story.plan_for(&catalog, Occasion::ByHand(None));
    assert_eq!(reasons(&by_hand), said);
    assert!(by_hand.to_string().contains("could not be told"), "{by_hand}");
}

#[test]
fn what_is_critical_is_spelt_out_each_time_before_what_is_new_and_less() {
    let mut world = payments();
    tidy(&mut world);
    world.component("stray").owner("void").describe("Strays.").annotate("backstage.io/techdocs-ref", "dir:.");
    world.find("stray").annotate("steward.dev/runbook", "docs/runbook.md");
    world.group("void").annotate("steward.dev/channel", "#void");
    let mut story = Story::at(TUESDAY);
    let critical = "owner-empty:component:default/stray";
    let of_void = |round: &Round| {
        let its = round.messages.iter().find(|message| message.team == "group:default/void").expect("it is told");
        its.sent.shown.clone()
    };
    assert_eq!(of_void(&story.hold(&world.catalog()))[0], critical);
    for name in ["a", "b", "c", "d", "e", "f"] {
        world.component(name).owner("void");
    }
    story.opened.clear();
    story.now += TimeDelta::days(6);
    story.standing(&world.catalog());
    story.now += TimeDelta::days(1);
    let round = story.hold(&world.catalog());
    let shown = of_void(&round);
    assert_eq!(shown.len(), 5, "{shown:?}");
    assert!(shown.iter().all(|key| key.starts_with("owner-empty:")), "{shown:?}");
    // Nothing is new, and it is still critical.
    story.now += TimeDelta::weeks(1);
    assert_eq!(of_void(&story.hold(&world.catalog())).len(), 5);
}

#[test]
fn what_its_owner_denies_is_not_asked_of_them_again() {
    let mut world = payments();
    tidy(&mut world);
    let entity = EntityRef::parse("component:default/ledger", None, "default").unwrap();
    let mut story = Story::at(TUESDAY);
    story.settings.catch_all = Some("#platform".to_owned());
    let word = Judged { verdict: Verdict::NotOurs, owner: Some(team("payments")), at: story.now, by: "Ana".to_owned() };
    story.coverage.judged.insert(entity, word);
    let round = story.hold(&world.catalog());
    assert_eq!(heard(&round), ["nobody in #platform"]);
    assert_eq!(round.messages[0].sent.shown, ["owner-denied:component:default/ledger"]);
}
