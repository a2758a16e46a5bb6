//! Who hears what: a table of small worlds and moments.

use std::{collections::BTreeMap, sync::Arc};

use chrono::TimeDelta;
use expect_test::expect;
use steward::{
    catalog::{Authority, EntityRef, Repository, live::Undescribed},
    cli::ask::{Colour, render_text},
    hygiene::round::{Occasion, Round, preview},
    settings::{Rhythm, TeamRoundSettings},
    store::{FindingRest, Hand, HandState, RestKind, RoundState},
};

use super::{Story, at, heard};
use crate::world::World;

/// 24 November 2026 is a Tuesday, and 10:00 the hour of the round.
pub const TUESDAY: &str = "2026-11-24T10:00:00Z";

pub fn team(written: &str) -> EntityRef {
    EntityRef::parse(written, Some("group"), "default").unwrap()
}

/// One team with a channel and a service without a description or a runbook.
pub fn payments() -> World {
    let mut world = World::new();
    world.group("payments").title("Payments").annotate("steward.dev/channel", "#payments");
    world.user("ana").member_of("payments").annotate("steward.dev/slack-id", "U0ANA");
    world.component("payments-api").title("Payments API").owner("payments");
    world
}

pub fn tidy(world: &mut World) {
    world.find("payments-api").describe("Takes payments.").annotate("backstage.io/techdocs-ref", "dir:.");
    world.find("payments-api").annotate("steward.dev/runbook", "docs/runbook.md").depends_on("component:ledger");
    world.component("ledger").describe("Keeps books.").owner("payments").annotate("backstage.io/techdocs-ref", "dir:.");
    world.find("ledger").annotate("steward.dev/runbook", "docs/runbook.md");
}

pub fn reasons(round: &Round) -> String {
    round.withheld.iter().map(|withheld| format!("{}: {}\n", withheld.team, withheld.reason)).collect()
}

fn shown(round: &Round, at: usize) -> String {
    let reply = round.messages[at].sent.reply.clone();
    render_text(&steward::chat::Response::Reply(reply), 100, Colour::Off)
}

#[test]
fn a_round_is_one_message_to_the_channel_with_why_fix_and_buttons() {
    let mut story = Story::at(TUESDAY);
    let round = story.hold(&payments().catalog());
    assert_eq!(heard(&round), ["group:default/payments in #payments"]);
    assert_eq!(round.messages[0].sent.key.round, "2026-11-24");
    expect![[r#"
        Payments: 3 things in the catalog could use a hand. The first: Payments API, no runbook.

        No runbook: Payments API
          Payments API is in production and has no runbook. At 3 a.m. somebody who has never seen it has to
          start from nothing.
          Write docs/runbook.md, or link one with steward.dev/runbook.
        → Fix       /hygiene fix runbook-missing:component:default/payments-api
        → Not ours  /hygiene notours runbook-missing:component:default/payments-api
        → Snooze    /hygiene snooze runbook-missing:component:default/payments-api
        High · open since 2 January · component:default/payments-api

        No description: Payments API
          Payments API has no description. Whoever finds it cannot tell what it is for.
          Write one sentence in metadata.description.
        → Fix       /hygiene fix description-missing:component:default/payments-api
        → Not ours  /hygiene notours description-missing:component:default/payments-api
        → Snooze    /hygiene snooze description-missing:component:default/payments-api
        Low · open since 2 January · component:default/payments-api

        No documentation: Payments API
          Payments API has no documentation. Its users ask its owners what they could read.
          Add the annotation backstage.io/techdocs-ref: dir:. and a docs folder.
        → Fix       /hygiene fix docs-missing:component:default/payments-api
        → Not ours  /hygiene notours docs-missing:component:default/payments-api
        → Snooze    /hygiene snooze docs-missing:component:default/payments-api
        Low · open since 2 January · component:default/payments-api
    "#]]
    .assert_eq(&shown(&round, 0));
    let lines: Vec<String> = round.messages[0].sent.reply.cards[0]
        .buttons
        .iter()
        .map(|button| match &button.does {
            steward::chat::Does::Say(line) => line.clone(),
            steward::chat::Does::Open(url) => url.clone(),
        })
        .collect();
    let key = "runbook-missing:component:default/payments-api";
    assert_eq!(lines, [format!("hygiene fix {key}"), format!("hygiene notours {key}"), format!("hygiene snooze {key}")]);
    expect![[r#"
        The round of Tuesday, 24 November 2026: 1 message

        group:default/payments -> #payments: 3 findings
          * high     runbook-missing      component:default/payments-api
          * low      description-missing  component:default/payments-api
          * low      docs-missing         component:default/payments-api
    "#]]
    .assert_eq(&round.to_string());
}

#[test]
fn who_is_reached_by_no_channel_is_reached_by_the_next_best() {
    let reached = |change: &dyn Fn(&mut World), catch_all: Option<&str>| {
        let mut world = World::new();
        world.group("payments");
        world.user("ana").member_of("payments").annotate("steward.dev/slack-id", "U0ANA");
        world.user("bo").member_of("payments").annotate("steward.dev/slack-id", "U0BO");
        world.component("payments-api").owner("payments");
        change(&mut world);
        let mut story = Story::at(TUESDAY);
        story.settings.catch_all = catch_all.map(str::to_owned);
        let round = story.hold(&world.catalog());
        (heard(&round), reasons(&round))
    };
    let (to, _) = reached(&|world| _ = world.find("payments").annotate("steward.dev/channel", "#own"), None);
    assert_eq!(to, ["group:default/payments in #own"]);
    let parent = |world: &mut World| {
        world.group("commerce").annotate("steward.dev/channel", "#commerce");
        world.find("payments").parent("commerce");
    };
    assert_eq!(reached(&parent, None).0, ["group:default/payments in #commerce"]);
    let (to, _) = reached(&|world| _ = world.find("payments").annotate("steward.dev/lead", "bo"), Some("#platform"));
    assert_eq!(to, ["group:default/payments in U0BO"]);
    let (to, _) = reached(&|_| {}, Some("#platform"));
    assert_eq!(to, ["group:default/payments in U0ANA", "group:default/payments in U0BO"]);
    let strangers = |world: &mut World| {
        for name in ["ana", "bo"] {
            world.find(name).annotate("steward.dev/slack-id", "");
        }
    };
    assert_eq!(reached(&strangers, Some("#platform")).0, ["group:default/payments in #platform"]);
    let (to, why) = reached(&strangers, None);
    assert_eq!(to, Vec::<String>::new());
    assert!(why.contains("group:default/payments: cannot be reached"), "{why}");
}

#[test]
fn what_nobody_owns_goes_to_the_catch_all_as_one_message() {
    let mut world = payments();
    world.component("orphaned").describe("Nobody knows.");
    world.component("lost").describe("Nobody knows.").owner("nowhere");
    let mut story = Story::at(TUESDAY);
    story.settings.catch_all = Some("#platform".to_owned());
    let round = story.hold(&world.catalog());
    assert_eq!(heard(&round), ["nobody in #platform", "group:default/payments in #payments"]);
    assert!(shown(&round, 0).starts_with("Nobody owns these"), "{}", shown(&round, 0));
    story.settings.catch_all = None;
    story.told.clear();
    let round = story.hold(&world.catalog());
    assert_eq!(heard(&round), ["group:default/payments in #payments"]);
    assert!(reasons(&round).contains("nobody: nobody owns these"), "{}", reasons(&round));
}

#[test]
fn each_team_hears_at_its_own_hour_and_never_outside_its_hours() {
    let mut world = payments();
    world.group("tokyo").annotate("steward.dev/channel", "#tokyo").annotate("steward.dev/time-zone", "Asia/Tokyo");
    world.component("search").owner("tokyo");
    world.group("osaka").annotate("steward.dev/channel", "#osaka").parent("tokyo");
    world.component("index").owner("osaka");
    let catalog = world.catalog();
    let mut story = Story::at("2026-11-23T12:00:00Z");
    story.opened_now(&catalog);
    story.now = at("2026-11-24T00:59:00Z");
    assert_eq!(heard(&story.hold(&catalog)), Vec::<String>::new());
    // 10:00 in Tokyo, and in Osaka, which has its zone from the group above.
    story.now = at("2026-11-24T01:00:00Z");
    assert_eq!(heard(&story.hold(&catalog)), ["group:default/osaka in #osaka", "group:default/tokyo in #tokyo"]);
    assert_eq!(heard(&story.hold(&catalog)), Vec::<String>::new());
    story.now = at(TUESDAY);
    assert_eq!(heard(&story.hold(&catalog)), ["group:default/payments in #payments"]);
}

#[test]
fn a_round_that_falls_on_a_closed_hour_waits_for_the_next_open_one() {
    let catalog = payments().catalog();
    let first = |change: &dyn Fn(&mut Story)| {
        let mut story = Story::at("2026-11-23T12:00:00Z");
        change(&mut story);
        story.opened_now(&catalog);
        (0..24 * 14).find_map(|_| {
            story.now += TimeDelta::hours(1);
            let round = story.plan_for(&catalog, Occasion::Due);
            (!round.messages.is_empty())
                .then(|| format!("{} for {}", story.now.format("%a %d %H:%M"), round.messages[0].sent.key.round))
        })
    };
    assert_eq!(first(&|_| {}).as_deref(), Some("Tue 24 10:00 for 2026-11-24"));
    let holiday = |story: &mut Story| {
        story.settings.holidays = vec!["2026-11-24".parse().unwrap(), "2026-11-25".parse().unwrap()];
    };
    assert_eq!(first(&holiday).as_deref(), Some("Thu 26 10:00 for 2026-11-24"));
    let evening = |story: &mut Story| story.settings.schedule.at = "20:00:00".parse().unwrap();
    assert_eq!(first(&evening).as_deref(), Some("Wed 25 09:00 for 2026-11-24"));
    let weekend = |story: &mut Story| story.settings.schedule.day = chrono::Weekday::Sat;
    assert_eq!(first(&weekend).as_deref(), Some("Mon 30 10:00 for 2026-11-28"));
}

#[test]
fn what_is_left_alone_is_in_no_message() {
    let catalog = payments().catalog();
    let key = "runbook-missing:component:default/payments-api";
    let mut story = Story::at(TUESDAY);
    let rest = FindingRest {
        key: key.to_owned(),
        kind: RestKind::Snoozed,
        until: at("2026-12-01T00:00:00Z"),
        reason: String::new(),
        asked_by: "Ana".to_owned(),
        approved_by: None,
        at: at("2026-11-20T00:00:00Z"),
    };
    story.rests = BTreeMap::from([(key.to_owned(), rest)]);
    let round = story.hold(&catalog);
    assert!(!round.to_string().contains("runbook-missing"), "{round}");
    assert!(!shown(&round, 0).contains("runbook"), "{}", shown(&round, 0));
    // It is new again when it comes back.
    story.now = at("2026-12-01T10:00:00Z");
    let round = story.hold(&catalog);
    assert_eq!(round.messages[0].sent.shown, [key]);
    // A pull request that mends it is not to be asked for.
    let mut story = Story::at(TUESDAY);
    story.in_fixes.insert(key.to_owned());
    assert!(!story.hold(&catalog).to_string().contains("runbook-missing"));
}

#[test]
fn a_finding_goes_with_whoever_took_it() {
    let mut world = payments();
    world.group("ledger").annotate("steward.dev/channel", "#ledger");
    let key = "runbook-missing:component:default/payments-api".to_owned();
    let of = |state, to: Option<&str>| {
        let mut story = Story::at(TUESDAY);
        story.hands = vec![Hand { key: key.clone(), state, to: to.map(team) }];
        let round = story.hold(&world.catalog());
        let has = |message: &&steward::hygiene::round::Planned| message.findings.iter().any(|finding| finding.id == key);
        round.messages.iter().find(has).map(|message| message.team.clone())
    };
    assert_eq!(of(HandState::Accepted, Some("ledger")).as_deref(), Some("group:default/ledger"));
    assert_eq!(of(HandState::Asked, Some("ledger")).as_deref(), Some("group:default/ledger"));
    assert_eq!(of(HandState::Declined, Some("ledger")).as_deref(), Some("group:default/payments"));
    assert_eq!(of(HandState::Escalated, None), None);
}

#[test]
fn what_is_unchanged_shrinks_to_a_line_and_comes_less_often() {
    let mut world = payments();
    let catalog = world.catalog();
    let mut story = Story::at(TUESDAY);
    let mut weeks = Vec::new();
    for week in 0..14 {
        if !story.hold(&catalog).messages.is_empty() {
            weeks.push(week);
        }
        story.now += TimeDelta::weeks(1);
    }
    assert_eq!(weeks, [0, 1, 2, 4, 6, 10]);
    let last = story.told.last().unwrap();
    assert_eq!((last.shown.len(), last.calm), (0, 5));
    // Something new brings the rhythm back, and is spelt out alone.
    world.component("refunds").owner("payments").describe("Pays back.").annotate("backstage.io/techdocs-ref", "dir:.");
    let catalog = world.catalog();
    story.now -= TimeDelta::days(1);
    story.standing(&catalog);
    story.now += TimeDelta::days(1);
    let round = story.hold(&catalog);
    assert_eq!(round.messages[0].sent.calm, 0);
    assert!(round.messages[0].sent.shown.iter().all(|key| key.ends_with("component:default/refunds")), "{round}");
    expect![[r#"
        Payments: 4 things in the catalog could use a hand; one of them is below: refunds, no runbook.

        No runbook: refunds
          refunds is in production and has no runbook. At 3 a.m. somebody who has never seen it has to start
          from nothing.
          Write docs/runbook.md, or link one with steward.dev/runbook.
        → Fix       /hygiene fix runbook-missing:component:default/refunds
        → Not ours  /hygiene notours runbook-missing:component:default/refunds
        → Snooze    /hygiene snooze runbook-missing:component:default/refunds
        High · open since 1 March · component:default/refunds

          3 other things are open: no runbook (Payments API); no description (Payments API); no
          documentation (Payments API).

        → Show all  /hygiene all group:default/payments
    "#]]
    .assert_eq(&shown(&round, 0));
}

#[test]
fn a_line_says_what_is_open_as_before() {
    let catalog = payments().catalog();
    let mut story = Story::at(TUESDAY);
    story.hold(&catalog);
    story.now += TimeDelta::weeks(1);
    let round = story.hold(&catalog);
    expect![[r#"
        Payments: 3 things are open in the catalog, as before.

          No runbook (Payments API); no description (Payments API); no documentation (Payments API).

        → Show all  /hygiene all group:default/payments
    "#]]
    .assert_eq(&shown(&round, 0));
}

#[test]
fn a_clean_round_is_thanked_for_once() {
    let mut world = payments();
    let mut story = Story::at(TUESDAY);
    story.hold(&world.catalog());
    tidy(&mut world);
    let catalog = world.catalog();
    story.now += TimeDelta::weeks(1);
    let round = story.hold(&catalog);
    expect![[r#"
        Thank you, Payments: everything that was open in the catalog is settled.
    "#]]
    .assert_eq(&shown(&round, 0));
    story.now += TimeDelta::weeks(1);
    assert_eq!(heard(&story.hold(&catalog)), Vec::<String>::new());
    // Who never had anything is not written to.
    let mut fresh = Story::at(TUESDAY);
    assert_eq!(heard(&fresh.hold(&catalog)), Vec::<String>::new());
}

#[test]
fn an_open_incident_of_the_team_freezes_its_round() {
    let catalog = payments().catalog();
    let mut story = Story::at(TUESDAY);
    story.in_incidents.insert(EntityRef::parse("component:default/payments-api", None, "default").unwrap());
    let round = story.hold(&catalog);
    assert_eq!(reasons(&round), "group:default/payments: component:default/payments-api has an open incident\n");
    story.in_incidents.clear();
    story.now += TimeDelta::hours(3);
    assert_eq!(heard(&story.hold(&catalog)), ["group:default/payments in #payments"]);
}

#[test]
fn one_person_gets_no_more_messages_a_week_than_agreed() {
    let mut world = World::new();
    for name in ["a", "b", "c", "d"] {
        world.group(name).annotate("steward.dev/lead", "ana");
        world.component(&format!("{name}-api")).owner(name);
    }
    world.user("ana").annotate("steward.dev/slack-id", "U0ANA");
    let mut story = Story::at(TUESDAY);
    story.settings.messages_a_week = 2;
    let round = story.hold(&world.catalog());
    assert_eq!(heard(&round), ["group:default/a in U0ANA", "group:default/b in U0ANA"]);
    expect![[r#"
        group:default/c: its people have had 2 messages this week
        group:default/d: its people have had 2 messages this week
    "#]]
    .assert_eq(&reasons(&round));
    story.now += TimeDelta::hours(1);
    assert_eq!(heard(&story.hold(&world.catalog())), Vec::<String>::new());
}

#[test]
fn what_stays_grave_for_long_goes_to_the_group_above_once() {
    let mut world = World::new();
    world.group("commerce").title("Commerce").annotate("steward.dev/channel", "#commerce");
    world.user("cleo").member_of("commerce");
    world.group("payments").title("Payments").parent("commerce").annotate("steward.dev/channel", "#payments");
    world.component("payments-api").title("Payments API").owner("payments");
    tidy(&mut world);
    let catalog = world.catalog();
    let mut story = Story::at(TUESDAY);
    let mut above = Vec::new();
    for _ in 0..20 {
        let round = story.hold(&catalog);
        above.extend(round.messages.iter().filter(|message| message.team.ends_with("commerce")).map(|message| {
            (
                story.now.format("%Y-%m-%d").to_string(),
                render_text(&steward::chat::Response::Reply(message.sent.reply.clone()), 100, Colour::Off),
            )
        }));
        story.now += TimeDelta::weeks(1);
    }
    assert_eq!(above.len(), 1, "{above:?}");
    expect![[r#"
        2026-12-15
        Commerce: 2 critical things of Payments have been open for 3 rounds or more. The first: ledger.

        Its owner has nobody in it: ledger
          This belongs to Payments, who have heard of it for 3 rounds. It is in production, so it comes to
          you as well, this once.
          ledger is owned by Payments, in which nobody is. A team without people answers nobody.
          Hand it to the team that took over, or add the team's members.
        → Fix       /hygiene fix owner-empty:component:default/ledger
        → Not ours  /hygiene notours owner-empty:component:default/ledger
        → Snooze    /hygiene snooze owner-empty:component:default/ledger
        Critical · open since 2 January · component:default/ledger

        Its owner has nobody in it: Payments API
          This belongs to Payments, who have heard of it for 3 rounds. It is in production, so it comes to
          you as well, this once.
          Payments API is owned by Payments, in which nobody is. A team without people answers nobody.
          Hand it to the team that took over, or add the team's members.
        → Fix       /hygiene fix owner-empty:component:default/payments-api
        → Not ours  /hygiene notours owner-empty:component:default/payments-api
        → Snooze    /hygiene snooze owner-empty:component:default/payments-api
        Critical · open since 2 January · component:default/payments-api
    "#]]
    .assert_eq(&format!("{}\n{}", above[0].0, above[0].1));
}

#[test]
fn a_team_may_have_a_rhythm_of_its_own_or_none() {
    let catalog = payments().catalog();
    let of = |own: TeamRoundSettings, now: &str| {
        let mut story = Story::at(now);
        story.settings.teams.insert("group:default/payments".to_owned(), own);
        let round = story.hold(&catalog);
        (heard(&round).len(), reasons(&round))
    };
    let thursday = TeamRoundSettings { day: Some(chrono::Weekday::Thu), at: "15:30:00".parse().ok(), every: None };
    assert_eq!(of(thursday.clone(), "2026-11-26T15:30:00Z").0, 1);
    let never = TeamRoundSettings { every: Some(Rhythm::Never), ..TeamRoundSettings::default() };
    assert_eq!(of(never, TUESDAY), (0, "group:default/payments: its rounds are switched off in the configuration\n".to_owned()));
}

#[test]
fn asked_for_by_hand_it_comes_now_and_not_twice() {
    let catalog = payments().catalog();
    // A Sunday, at night.
    let mut story = Story::at("2026-11-22T02:00:00Z");
    let round = story.plan_for(&catalog, Occasion::ByHand(None));
    story.tell(&round);
    assert_eq!(heard(&round), ["group:default/payments in #payments"]);
    let again = story.plan_for(&catalog, Occasion::ByHand(Some(&team("payments"))));
    assert_eq!(heard(&again), Vec::<String>::new());
    assert_eq!(reasons(&again), "group:default/payments: has heard in the round of Tuesday, 17 November\n");
    assert_eq!(heard(&story.plan_for(&catalog, Occasion::ByHand(Some(&team("other"))))), Vec::<String>::new());
    // Two days later is too soon for the next one, and what was told stands for it.
    for now in [TUESDAY, "2026-11-26T10:00:00Z"] {
        story.now = at(now);
        let said = "group:default/payments: has heard on Sunday, 22 November, shortly before the round of Tuesday, 24 November\n";
        assert_eq!(reasons(&story.hold(&catalog)), said);
        assert_eq!(reasons(&story.plan_for(&catalog, Occasion::ByHand(None))), said);
    }
    story.now = at(TUESDAY);
    // What never arrived was not told, but is not told twice in its round either.
    story.told[0].state = RoundState::Lost;
    assert_eq!(heard(&story.hold(&catalog)), ["group:default/payments in #payments"]);
}

#[test]
fn a_preview_says_who_would_hear_what_and_has_the_button() {
    let mut world = payments();
    world.component("orphaned").describe("Nobody knows.");
    let catalog = world.catalog();
    let mut story = Story::at(TUESDAY);
    story.begun_at = None;
    let standing = story.standing(&catalog);
    let round = story.plan_with(&catalog, &standing, Occasion::ByHand(None));
    let scene = steward::hygiene::round::Scene {
        catalog: &catalog,
        settings: &story.settings,
        platform: story.platform,
        now: story.now,
        standing: &standing,
        hands: &[],
        in_fixes: &story.in_fixes,
        in_incidents: &story.in_incidents,
        told: &[],
        begun_at: None,
        notices: &[],
    };
    let reply = preview(&scene, &round);
    expect![[r#"
        The first round would be 1 message to 1 team. Nothing was sent yet: it waits for your word.

        Who would hear what
          - Payments in #payments: 3 findings, first Payments API: no runbook

        Who would hear nothing
          - nobody: nobody owns these, and hygiene.catch_all names no channel

        → Let it go   /hygiene begin
        → Look again  /hygiene preview
    "#]]
    .assert_eq(&render_text(&steward::chat::Response::Reply(reply), 100, Colour::Off));
}

#[test]
fn of_many_repositories_that_nobody_has_described_some_are_spelt_out_after_what_is_graver() {
    let mut world = World::new();
    world.component("stray").owner("team-gone").describe("Does things.").annotate("backstage.io/techdocs-ref", "dir:.");
    world.runbook("acme/stray", "docs/runbook.md", "# Stray");
    let catalog = world.catalog();
    let mut story = Story::at(TUESDAY);
    story.settings.catch_all = Some("#platform".to_owned());
    let undescribed = |number: i64| {
        let mut repository = Repository::without_git(number, format!("acme/repo-{number}"), None, Authority::Descriptor);
        repository.pushed_at = Some(story.now - TimeDelta::days(number));
        Arc::new(Undescribed { source: "acme".to_owned(), repository, consumers: 0 })
    };
    story.coverage.undescribed = Some((1..=8).map(undescribed).collect());
    let round = story.hold(&catalog);
    assert_eq!(heard(&round), ["nobody in #platform"]);
    let told = shown(&round, 0).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.starts_with(
            "Nobody owns these: 9 things could use a hand; the five gravest are below. The first: stray, unknown owner."
        ),
        "{told}"
    );
    let (spelt, rest) = told.split_once("4 other things are open: ").unwrap();
    assert_eq!(spelt.matches("→ Describe").count(), 4, "{told}");
    assert!(rest.starts_with("no descriptor (acme/repo-5, acme/repo-6, acme/repo-7, acme/repo-8)."), "{rest}");
    assert!(told.ends_with("→ Show all /hygiene all nobody"), "{told}");
    // Where nothing else is open the list says it sooner; nothing is new, so three more are spelt out, a week later.
    story.now += TimeDelta::weeks(1);
    let round = story.hold(&World::new().catalog());
    let told = shown(&round, 0).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.starts_with(
            "Nobody owns these: 8 repositories could use a hand; three of them are below. The first: acme/repo-5, no descriptor."
        ),
        "{told}"
    );
    assert!(told.ends_with("→ Show all /hygiene undescribed"), "{told}");
}
