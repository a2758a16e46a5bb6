//! `/whois`: who somebody is across systems, by what evidence, and what the sources say differently.

use expect_test::expect;
use steward::{
    catalog::{Authority, Catalog, EntityRef, GoneBecause, GoneClaim},
    chat::Status,
};

use crate::{
    shop::{check, shop},
    world::{Bot, World, now},
};

fn company() -> World {
    let mut world = shop();
    world.user("e1").authority(Authority::People).display_name("Ana Silva").email("ana@acme.example").member_of("team-payments");
    let hr = world.last();
    hr.annotate("steward.dev/hr-id", "e1").annotate("steward.dev/slack-id", "U0ANA");
    hr.annotate("steward.dev/job-title", "Staff engineer").annotate("steward.dev/manager", "user:default/kim.lee");
    world.user("asilva").authority(Authority::Organisation).display_name("ana").member_of("team-payments");
    let hub = world.last();
    hub.annotate("github.com/user-login", "asilva").annotate("steward.dev/verified-emails", "ana@acme.example");
    world.user("eve").authority(Authority::Organisation).annotate("github.com/user-login", "eve").member_of("team-payments");
    world
}

fn build(world: &World, change: impl FnOnce(&mut steward::catalog::Parts)) -> Catalog {
    let mut parts = world.catalog().parts().clone();
    parts.mapping = steward::catalog::people::parse_mapping("- { user: ana.silva, hr: e1, pagerduty: P0ANA }\n").unwrap();
    change(&mut parts);
    Catalog::build(parts)
}

#[test]
fn a_person_is_shown_with_accounts_and_the_evidence_of_each() {
    let bot = Bot::new(build(&company(), |_| ()));
    check(
        &bot.say("/whois ana silva"),
        expect![[r#"
        Ana Silva is Staff engineer in Team Payments.

        Ana Silva user:e1
          In chat  Ana Silva
          Teams    Team Payments
          Manager  Kim Lee
          Leads    Team Payments
          E-mail   ana@acme.example
          - GitHub asilva: a member on GitHub
          - Slack U0ANA: listed by acme
          - PagerDuty P0ANA: the mapping file
          - HR e1: listed by acme; the mapping file
          - E-mail ana@acme.example: an address in a verified domain
          Owns with their teams: Team Payments (4)
        → Their team  /whois group:default/team-payments
        Also known as user:ana.silva in a descriptor, user:asilva on GitHub.

        Read from acme/org@3f2c1ab, synced 3 min ago
    "#]],
    );
    assert_eq!(bot.refs("/whois asilva"), ["user:default/e1", "user:default/ana.silva", "user:default/asilva"]);
    for name in ["ana@acme.example", "@asilva", "<@U0ANA>", "user:default/ana.silva"] {
        assert_eq!(bot.refs(&format!("/whois {name}"))[0], "user:default/e1", "{name}");
    }
}

#[test]
fn a_team_is_shown_with_members_and_what_the_sources_say_differently() {
    let bot = Bot::new(build(&company(), |_| ()));
    check(
        &bot.say("/whois team-payments"),
        expect![[r#"
        Team Payments: reach them in #team-payments.

        Team Payments group:team-payments
          Channel     #team-payments
          Lead        Ana Silva
          Belongs to  Money
          People      1 person
          - Ana Silva, Staff engineer (lead)
          2 differences between the sources
          - Members are as in HR's list; in a descriptor also Ben Okafor
          - Members are as in HR's list; on GitHub also eve
          Owns
          - Payments API component:payments-api: service, production
          - Payments system:payments: system
          - payments-v2: openapi API, production
          - redis-payments: cache
        → What it owns  /owner group:default/team-payments

        Read from acme/org@3f2c1ab, synced 3 min ago
    "#]],
    );
}

#[test]
fn members_of_a_large_team_come_in_pages() {
    let mut world = World::new();
    world.group("crowd").display_name("Crowd");
    for index in 0..45 {
        world.user(&format!("p{index:02}")).display_name(&format!("Person {index:02}")).member_of("crowd");
    }
    let bot = Bot::new(world.catalog());
    assert!(bot.say("/whois crowd").contains("Person 19\n"));
    let third = bot.say("/whois crowd page 3");
    assert!(third.contains("Person 40") && third.contains("Page 3 of 3") && !third.contains("Person 39"), "{third}");
}

#[test]
fn a_team_that_is_gone_says_since_when_and_so_does_what_it_owned() {
    let mut world = shop();
    world.component("orphan").owner("team-gone");
    let gone = GoneClaim {
        entity_ref: EntityRef::new("group", "default", "team-gone"),
        authority: Authority::Organisation,
        source: "acme-people".into(),
        label: "Gone".to_owned(),
        since: now() - chrono::Duration::days(2),
        owner: None,
        repository: "acme".into(),
        because: GoneBecause::NotDeclared,
    };
    let bot = Bot::new(build(&world, |parts| parts.gone = vec![gone]));
    let reply = bot.reply("/whois team-gone");
    assert_eq!(reply.status, Status::Answered);
    assert_eq!(reply.lead.to_plain(), "Team Gone no longer exists on GitHub; gone since 2026-11-19 03:14 UTC.");
    assert!(bot.say("/whois gone").contains("Still named as the owner of orphan"));
    assert!(bot.say("/owner team-gone").contains("no longer exists on GitHub"));
    assert!(bot.say("/owner orphan").contains("Team Gone no longer exists on GitHub; gone since"));
}

#[test]
fn somebody_who_left_says_so_wherever_they_are_named_and_may_do_nothing() {
    let mut world = shop();
    world.group("platform");
    world.user("old").display_name("Old Hand").annotate("steward.dev/left", "2026-10-31").member_of("platform");
    world.component("relic").owner("user:old");
    let bot = Bot::new(world.catalog()).admin("group:default/platform").by("old");
    assert!(bot.say("/whois old").starts_with("Old Hand left on 2026-10-31."));
    assert!(bot.say("/owner relic").contains("Old Hand left on 2026-10-31."));
    assert_eq!(bot.reply("/catalog sync").status, Status::Refused);
}

#[test]
fn what_is_neither_person_nor_team_leads_to_its_owner() {
    let bot = shop().bot();
    let reply = bot.reply("/whois payments-api");
    assert_eq!(reply.status, Status::NotFound);
    assert!(reply.lead.to_plain().contains("is neither a person nor a team; /owner payments-api"), "{:?}", reply.lead);
    assert_eq!(bot.reply("/whois zzzzqqqq").status, Status::NotFound);
}
