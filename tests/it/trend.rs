//! A quarter of hygiene: what is counted, said and drawn.

use chrono::{NaiveDate, TimeDelta};
use expect_test::expect;
use steward::{
    catalog::EntityRef,
    hygiene::trend::{IsOfAll, course, since},
    picture::draw_trend,
    store::{CoverageDay, FindingSpell},
};

use crate::{bot::Bot, world::now};

fn reference(text: &str) -> EntityRef {
    EntityRef::parse(text, None, "default").expect("it is full")
}

fn day(day: NaiveDate, owner: Option<&str>, figures: [i32; 4]) -> CoverageDay {
    let [components, with_runbook, with_docs, open] = figures;
    CoverageDay { day, owner: owner.map(reference), components, with_runbook, with_docs, open }
}

/// A quarter in which the ledger's runbooks grow from one to ten.
fn quarter() -> Vec<CoverageDay> {
    let first = since(now());
    let weeks = (0..13).map(|week| (first + TimeDelta::weeks(week), i32::try_from(week).expect("it is small")));
    let of_week = |(monday, week): (NaiveDate, i32)| {
        // Counted twice a week; the later day stands.
        [
            day(monday, Some("group:default/ledger"), [10, 0, 0, 99]),
            day(monday + TimeDelta::days(1), Some("group:default/ledger"), [10, (1 + week).min(10), 5, 13 - week]),
            day(monday + TimeDelta::days(1), Some("group:default/web"), [4, 4, 2, 0]),
            day(monday + TimeDelta::days(1), None, [2, 0, 0, 2]),
        ]
    };
    weeks.flat_map(of_week).collect()
}

fn spell(key: &str, team: &str, opened: i64, closed: Option<i64>) -> FindingSpell {
    let at = |ago: i64| now() - TimeDelta::days(ago);
    FindingSpell {
        key: key.to_owned(),
        check_id: "runbook-missing".to_owned(),
        entity: reference("component:default/pay"),
        team: Some(reference(team)),
        opened_at: at(opened),
        closed_at: closed.map(at),
    }
}

#[test]
fn a_team_sees_its_own_quarter_week_by_week() {
    let spells = [
        spell("a", "group:default/ledger", 40, Some(30)),
        spell("b", "group:default/ledger", 20, Some(1)),
        spell("c", "group:default/ledger", 200, Some(10)),
        spell("d", "group:default/ledger", 8, None),
        spell("e", "group:default/web", 8, None),
    ];
    let ledger = reference("group:default/ledger");
    let course = course(&quarter(), &spells, Some(&ledger), now());
    assert_eq!(course.median_days, Some(19), "of 10, 19 and 190 days");
    expect![[r#"
        week,components,owned,with_runbook,with_docs,open,opened,closed
        2026-08-24,10,10,1,5,13,0,0
        2026-08-31,10,10,2,5,12,0,0
        2026-09-07,10,10,3,5,11,0,0
        2026-09-14,10,10,4,5,10,0,0
        2026-09-21,10,10,5,5,9,0,0
        2026-09-28,10,10,6,5,8,0,0
        2026-10-05,10,10,7,5,7,0,0
        2026-10-12,10,10,8,5,6,1,0
        2026-10-19,10,10,9,5,5,0,1
        2026-10-26,10,10,10,5,4,1,0
        2026-11-02,10,10,10,5,3,0,0
        2026-11-09,10,10,10,5,2,1,1
        2026-11-16,10,10,10,5,1,0,1
    "#]]
    .assert_eq(&course.csv().replace("\r\n", "\n"));
    let trend = course.coverage("Ledger", IsOfAll::No);
    assert_eq!(trend.lines.iter().map(|line| line.label.as_str()).collect::<Vec<_>>(), ["runbook", "docs"]);
    assert_eq!(trend.lines[0].points.last().map(|(_, share)| *share), Some(100.0));
}

#[test]
fn the_whole_catalog_shows_what_nobody_owns() {
    let course = course(&quarter(), &[], None, now());
    let trend = course.coverage("all teams", IsOfAll::Yes);
    assert_eq!(trend.lines[0].label, "owner");
    assert_eq!(trend.lines[0].points[0].1, 100.0 * 14.0 / 16.0);
    assert_eq!(course.median_days, None);
}

#[test]
fn a_trend_is_a_picture_that_chats_take() {
    let course = course(&quarter(), &[spell("a", "group:default/ledger", 40, Some(30))], None, now());
    for (name, trend) in [("coverage", course.coverage("all teams", IsOfAll::Yes)), ("findings", course.findings("all teams"))] {
        let png = draw_trend(&trend).expect("it can be drawn");
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        assert!(png.len() < 200_000, "{} bytes", png.len());
        std::fs::write(format!("{}/target/trend-{name}.png", env!("CARGO_MANIFEST_DIR")), &png).expect("it can be kept");
    }
    let empty = course_of_one_day();
    assert!(draw_trend(&empty).is_err(), "one day is no line");
}

fn course_of_one_day() -> steward::picture::Trend {
    let today = now().date_naive();
    course(&[day(today, None, [1, 1, 1, 0])], &[], None, now()).coverage("all teams", IsOfAll::Yes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarter_begins_empty_and_fills_day_by_day() {
    let descriptor = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: cart }\n\
                      spec: { type: service, lifecycle: production, owner: team-a }\n";
    let bot = Bot::of_descriptors(&[("cart", descriptor)]).await;
    bot.sync().await;
    let empty = bot.say("/hygiene trend").await;
    assert!(empty.contains("Nothing has been counted yet"), "{empty}");
    for _ in 0..2 {
        bot.worker.write_coverage_day().await.expect("the store can be written");
        // Another replica may come later on the same day.
        bot.worker.write_coverage_day().await.expect("the store can be written");
        bot.pass(TimeDelta::days(7));
    }
    let days = bot.app().store.load_coverage_days(since(now())).await.expect("the store can be read");
    assert_eq!(days.iter().map(|day| (day.components, day.with_runbook)).collect::<Vec<_>>(), [(1, 0), (1, 0)]);
    let shown = bot.say("/hygiene trend").await;
    assert!(shown.contains("Owners: 0 %. Runbooks: 0 %. Docs: 0 %."), "{shown}");
    bot.halt().await;
}
