//! Words between rounds keep to the rules of rounds: places, hours, the week's cap, incidents, and the ledger.

use chrono::TimeDelta;
use steward::{
    catalog::EntityRef,
    chat::{Platform, Reply, Status},
    hygiene::round::{Asides, Scene, Word},
    settings::{Rhythm, TeamRoundSettings},
    store::{NewRoundMessage, RoundState, Told},
};

use crate::{
    rounds::{Story, at},
    world::World,
};

/// A Tuesday morning.
const TUESDAY: &str = "2026-11-24T10:00:00Z";

fn payments() -> World {
    let mut world = World::new();
    world.group("payments");
    world.user("ana").member_of("payments").annotate("steward.dev/slack-id", "U0ANA");
    world.user("bo").member_of("payments").annotate("steward.dev/slack-id", "U0BO");
    world.component("payments-api").owner("payments");
    world
}

fn team() -> EntityRef {
    EntityRef::new("group", "default", "payments")
}

/// What the team hears now of something that is said once under this name.
fn told(story: &mut Story, world: &World, once: &str) -> Vec<NewRoundMessage> {
    let catalog = world.catalog();
    let scene = Scene {
        catalog: &catalog,
        settings: &story.settings,
        platform: Some(Platform::Slack),
        now: story.now,
        standing: &[],
        hands: &[],
        in_fixes: &story.in_fixes,
        in_incidents: &story.in_incidents,
        notices: &[],
        told: &story.told,
        begun_at: None,
    };
    let mut asides = Asides::new(&scene).unwrap();
    if asides.has_told(&team(), "news", once) {
        return Vec::new();
    }
    let reply = Reply::new(Status::Answered, "onboard", "Something is asked.".into());
    let messages = asides.tell(Some(&team()), &Word { about: "news", once, reply });
    let now = story.now;
    story.told.extend(messages.iter().map(|message| Told {
        key: message.key.clone(),
        destination: message.destination.clone(),
        keys: Vec::new(),
        shown: Vec::new(),
        calm: 0,
        state: RoundState::Sent,
        reason: None,
        planned_at: now,
    }));
    messages
}

#[test]
fn a_team_hears_at_its_hours_and_no_more_than_the_cap_of_a_week_with_rounds_counted() {
    let mut world = payments();
    world.find("payments").annotate("steward.dev/channel", "#payments");
    let mut story = Story::at("2026-11-24T19:00:00Z");
    assert!(told(&mut story, &world, "1").is_empty(), "in the evening");
    story.now = at(TUESDAY);
    let first = told(&mut story, &world, "1");
    assert_eq!(first.iter().map(|message| message.destination.as_str()).collect::<Vec<_>>(), ["#payments"]);
    assert_eq!((first[0].key.team.as_str(), first[0].any_hour), ("group:default/payments news", false));
    assert!(told(&mut story, &world, "1").is_empty(), "once");
    // Its round is one of three a week as well, and is not held back by what was said between rounds.
    assert_eq!(story.hold(&world.catalog()).messages.len(), 1);
    assert_eq!(told(&mut story, &world, "2").len(), 1);
    assert!(told(&mut story, &world, "3").is_empty(), "the fourth in a week");
    story.now += TimeDelta::weeks(1) + TimeDelta::hours(1);
    assert_eq!(told(&mut story, &world, "3").len(), 1);
}

#[test]
fn a_team_in_an_incident_or_without_rounds_is_left_alone_and_one_without_a_channel_hears_it_one_by_one() {
    let world = payments();
    let mut story = Story::at(TUESDAY);
    story.in_incidents.insert(EntityRef::new("component", "default", "payments-api"));
    assert!(told(&mut story, &world, "1").is_empty());
    story.in_incidents.clear();
    let never = TeamRoundSettings { every: Some(Rhythm::Never), ..TeamRoundSettings::default() };
    story.settings.teams.insert("group:default/payments".to_owned(), never);
    assert!(told(&mut story, &world, "1").is_empty());
    story.settings.teams.clear();
    let each = told(&mut story, &world, "1");
    let names: Vec<&str> = each.iter().map(|message| message.key.team.as_str()).collect();
    let to = |person: &str| format!("group:default/payments news to user:default/{person}");
    assert_eq!(names, [to("ana"), to("bo")]);
    assert!(told(&mut story, &world, "1").is_empty(), "once");
}
