//! What is open, for whom, and how it is said.

use expect_test::expect;

use super::{lines, shop};
use crate::{shop::check, world::World};

#[tokio::test(flavor = "multi_thread")]
async fn a_team_sees_its_level_what_is_next_and_each_finding_with_its_buttons() {
    let bot = shop().await;
    let own = bot.say_as("ana", "hygiene").await;
    check(
        &own,
        expect![[r#"
        Team Cart: 4 findings are open, the gravest first.

          Readiness: bronze. One of 3 keeps it from silver: no runbook, no description.

        Cart: no runbook
          Cart is in production and has no runbook. At 3 a.m. somebody who has never seen it has to start
          from nothing.
          Write docs/runbook.md, or link one with steward.dev/runbook. New.
        → Fix       /hygiene fix runbook-missing:component:default/cart
        → Not ours  /hygiene notours runbook-missing:component:default/cart
        → Snooze    /hygiene snooze runbook-missing:component:default/cart
        → Exempt    /hygiene exempt runbook-missing:component:default/cart

        Cart: no description
          Cart has no description. Whoever finds it cannot tell what it is for.
          Write one sentence in metadata.description. New.
        → Fix       /hygiene fix description-missing:component:default/cart
        → Not ours  /hygiene notours description-missing:component:default/cart
        → Snooze    /hygiene snooze description-missing:component:default/cart
        → Exempt    /hygiene exempt description-missing:component:default/cart

        Wishes: unknown lifecycle
          Wishes has the lifecycle “soon”, which is none of the agreed ones. A word of its own is in no list
          and no count.
          Use one of the agreed words in spec.lifecycle. New.
        → Fix       /hygiene fix lifecycle-unknown:component:default/wishes
        → Not ours  /hygiene notours lifecycle-unknown:component:default/wishes
        → Snooze    /hygiene snooze lifecycle-unknown:component:default/wishes
        → Exempt    /hygiene exempt lifecycle-unknown:component:default/wishes

        Wish jobs: unknown lifecycle
          Wish jobs has the lifecycle “soon”, which is none of the agreed ones. A word of its own is in no
          list and no count.
          Use one of the agreed words in spec.lifecycle. New.
        → Fix       /hygiene fix lifecycle-unknown:component:default/wishes-jobs
        → Not ours  /hygiene notours lifecycle-unknown:component:default/wishes-jobs
        → Snooze    /hygiene snooze lifecycle-unknown:component:default/wishes-jobs
        → Exempt    /hygiene exempt lifecycle-unknown:component:default/wishes-jobs

        → Fix all 2: unknown lifecycle  /hygiene fixall lifecycle-unknown:group:default/team-cart
        → Trend                         /hygiene trend group:default/team-cart

        Read from the catalog, synced just now
    "#]],
    );
    let reply = bot.ask("ana", "hygiene").await;
    assert_eq!(reply.refs, ["group:default/team-cart"]);
    let key = "runbook-missing:component:default/cart";
    let pressed = lines(&reply);
    for line in ["fix", "notours", "snooze", "exempt"] {
        assert!(pressed.contains(&format!("hygiene {line} {key}")), "{line}: {pressed:?}");
    }
    // The same lines in another's hands, and of one thing.
    assert_eq!(bot.say_as("bo", "hygiene team-cart").await, own);
    let one = bot.say_as("bo", "hygiene wishes").await;
    assert!(one.starts_with("Wishes: 1 finding is open."), "{one}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_open_is_good_news_and_admins_see_all_teams() {
    let bot = shop().await;
    let good = bot.say_as("bo", "hygiene").await;
    assert!(good.starts_with("✓ Nothing is open for Team Shop. All is as it should be."), "{good}");
    assert!(bot.say("hygiene").await.starts_with("The catalog does not know which teams you are in."));
    let all = bot.say_as("pat", "hygiene everyone").await;
    check(
        &all,
        expect![[r#"
        4 findings are open in all, by who answers for them.

          Team       Open  Critical
          Team Cart  4     0
        → Team Cart  /hygiene group:default/team-cart
    "#]],
    );
    let refused = bot.say_as("ana", "hygiene everyone").await;
    assert!(refused.starts_with("Only admins may see how all teams stand."), "{refused}");
    bot.halt().await;
}

#[test]
fn without_postgresql_findings_are_shown_and_what_is_missing_is_said() {
    let mut world = World::new();
    world.group("team-a").annotate("steward.dev/channel", "#a");
    world.user("kim").member_of("team-a");
    world.component("lone").owner("team-a").describe("Does things.");
    let shown = world.bot().by("kim").say("hygiene team-a");
    check(
        &shown,
        expect![[r#"
        team-a: 2 findings are open, the gravest first.

          Readiness: bronze. What it lacks for silver: no runbook.
          ! Since when something is open, what is snoozed or exempt, and who was asked
            is kept in PostgreSQL, which cannot be reached now: all is shown as open.

        lone: no runbook
          lone is in production and has no runbook. At 3 a.m. somebody who has never
          seen it has to start from nothing.
          Write docs/runbook.md, or link one with steward.dev/runbook.
        → Fix       /hygiene fix runbook-missing:component:default/lone
        → Not ours  /hygiene notours runbook-missing:component:default/lone
        → Snooze    /hygiene snooze runbook-missing:component:default/lone
        → Exempt    /hygiene exempt runbook-missing:component:default/lone

        lone: no documentation
          lone has no documentation. Its users ask its owners what they could read.
          Add the annotation backstage.io/techdocs-ref: dir:. and a docs folder.
        → Fix       /hygiene fix docs-missing:component:default/lone
        → Not ours  /hygiene notours docs-missing:component:default/lone
        → Snooze    /hygiene snooze docs-missing:component:default/lone
        → Exempt    /hygiene exempt docs-missing:component:default/lone

        → Trend  /hygiene trend group:default/team-a

        Read from the catalog, synced 3 min ago
    "#]],
    );
}

#[test]
fn what_nobody_owns_is_shown_by_itself() {
    let mut world = World::new();
    world.component("stray").owner("team-gone").describe("Does things.");
    let shown = world.bot().say("hygiene nobody");
    assert!(shown.contains("that nobody answers for, 1 of them critical"), "{shown}");
    assert!(shown.contains("stray: unknown owner"), "{shown}");
}

#[test]
fn a_value_that_looks_like_a_secret_is_found_and_not_repeated() {
    let mut world = World::new();
    world.group("team-a");
    let token = format!("ghp_{}", "a1B2".repeat(10));
    world.component("leaky").owner("team-a").describe("Does things.").annotate("acme.example/token", &token);
    let shown = world.bot().say("hygiene leaky");
    let found = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(found.contains("holds what looks like a token of GitHub in metadata.annotations.acme.example/token"), "{shown}");
    assert!(!shown.contains("a1B2"), "{shown}");
}
