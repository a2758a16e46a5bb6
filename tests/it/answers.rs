//! What people read: every command's answers, as the terminal shows them.

use std::collections::BTreeSet;

use chrono::Duration;
use expect_test::{Expect, expect};
use serde_json::json;
use steward::{
    chat::{Act, Audience, CommandSet, Does, FormState, LineFault, Response, Status, Submission, Value},
    cli::ask::{Colour, render_json, render_text},
    commands::{self, Asking, StoreHealth},
};

use crate::world::{World, now};

fn check(actual: &str, expected: Expect) {
    expected.assert_eq(actual);
}

/// A small shop that sells and is paid.
fn shop() -> World {
    let mut world = World::new();
    world.add("Domain", "commerce").title("Commerce").owner("money").repository("acme/org");
    world.add("System", "payments").title("Payments").owner("team-payments").repository("acme/org").relate_to_domain("commerce");
    world
        .component("payments-api")
        .title("Payments API")
        .describe("Authorises, captures and refunds payments.")
        .metadata("links", json!([{ "url": "https://grafana.example/d/payments", "title": "Dashboard" }]))
        .owner("team-payments")
        .system("payments")
        .provides("payments-v2")
        .consumes("ledger-grpc")
        .depends_on("resource:redis-payments")
        .depends_on("fraud-scoring");
    world
        .add("API", "payments-v2")
        .spec("type", "openapi")
        .spec("lifecycle", "production")
        .owner("team-payments")
        .system("payments");
    world.component("ledger").owner("team-ledger").provides("ledger-grpc").depends_on("resource:postgres-ledger");
    world.add("API", "ledger-grpc").spec("type", "grpc").owner("team-ledger");
    world.component("fraud-scoring").owner("team-ledger").depends_on("payments-api");
    world.component("checkout").owner("team-checkout").consumes("payments-v2");
    world.component("shop-web").spec("type", "website").owner("team-checkout").depends_on("checkout");
    world.add("Resource", "redis-payments").spec("type", "cache").owner("team-payments").repository("acme/payments-api");
    world.group("money").display_name("Money").annotate("steward.dev/channel", "#money");
    world
        .group("team-payments")
        .display_name("Team Payments")
        .annotate("steward.dev/channel", "#team-payments")
        .annotate("steward.dev/lead", "ana.silva")
        .parent("money");
    world.group("team-ledger").display_name("Team Ledger").parent("money");
    world.group("team-checkout").display_name("Team Checkout").annotate("slack.com/channel", "team-checkout");
    world.user("ana.silva").display_name("Ana Silva").member_of("team-payments");
    world.user("ben.okafor").display_name("Ben Okafor").member_of("team-payments");
    world.user("kim.lee").display_name("Kim Lee").member_of("team-ledger");
    world.user("mia.hahn").display_name("Mia Hahn").member_of("team-checkout");
    world.runbook("acme/payments-api", "runbook.md", RUNBOOK);
    world
}

const RUNBOOK: &str = "\
# Payments API runbook

Say so early in `#incidents`. See [Failover](#failover) and [the wiki](docs/acquirers.md).

## Alerts

### PaymentsErrorRateHigh

1. Look at *errors by acquirer*.
2. Store it:
   ```sh
   vault kv put key=@new.key
   ```
3. Watch **everything**:
   - pods
   - queues

## Failover

Takes ten seconds.

```sh
payctl route set --from nordbank \\
  --to cardstream   # both spaces stay
```

| Who | When |
| --- | --- |
| SRE | always |

## Roll back

- [x] ~~page~~ tell somebody
- [ ] `argocd app rollback`

![graph](img/graph.png)
";

#[test]
fn owner_says_who_how_to_reach_them_and_where_it_was_read() {
    check(
        &shop().bot().say("/owner payments api"),
        expect![[r#"
        Payments API is owned by Team Payments: #team-payments, lead Ana Silva.

        Payments API component:payments-api
          Owner       Team Payments
          Channel     #team-payments
          Lead        Ana Silva
          Belongs to  Money
          People      Ana Silva, Ben Okafor
          Type        service, production
          Part of     Payments (in Commerce)
          Depends on  fraud-scoring, ledger, redis-payments
          Used by     checkout, fraud-scoring
          Authorises, captures and refunds payments.
          Links: Dashboard <https://grafana.example/d/payments>
        → Runbook             /runbook component:default/payments-api
        → Dependencies        /deps component:default/payments-api
        → Owner's page        /owner group:default/team-payments
        → Report wrong entry  /report component:default/payments-api
        → Source              https://github.example/acme/payments-api/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/catalog-info.yaml

        Read from acme/payments-api@3f2c1ab, synced 3 min ago
    "#]],
    );
}

#[test]
fn an_owner_that_does_not_exist_is_said_loudly_with_whom_to_ask() {
    let mut world = shop();
    world.component("payments-worker").owner("team-paymnts").system("payments");
    check(
        &world.bot().say("owner payments-worker"),
        expect![[r#"
        payments-worker is owned by group:default/team-paymnts, which the catalog does
        not know.

          ! The owner group:default/team-paymnts is not in the catalog. Perhaps Team
            Payments is meant. Ask Team Payments, who own Payments, in #team-payments.

        payments-worker component:payments-worker
          Owner       group:default/team-paymnts
          Type        service, production
          Part of     Payments (in Commerce)
          Depends on  nothing known
          Used by     nothing known
        → Dependencies        /deps component:default/payments-worker
        → Report wrong entry  /report component:default/payments-worker
        → Source              https://github.example/acme/payments-worker/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/catalog-info.yaml

        Read from acme/payments-worker@3f2c1ab, synced 3 min ago
    "#]],
    );
}

#[test]
fn an_owner_who_has_left_is_said_loudly() {
    let mut world = shop();
    world.component("cron").owner("user:default/gone.guy").system("payments");
    world.user("idle.ida").display_name("Idle Ida");
    world.component("batch").owner("user:default/idle.ida");
    let bot = world.bot();
    let cron = bot.say("owner cron");
    assert!(cron.contains("user:default/gone.guy is not in the catalog; they may have left."), "{cron}");
    assert!(cron.contains("Ask Team Payments, who own Payments,"), "{cron}");
    let batch = bot.say("owner batch");
    assert!(batch.contains("Idle Ida is in no team any more and may have left."), "{batch}");
}

#[test]
fn a_guessed_name_is_owned_up_to() {
    let guessed = shop().bot().say("owner paymnets-api");
    assert!(guessed.contains("Nothing is called “paymnets-api”; this is the nearest name."), "{guessed}");
    assert!(!shop().bot().say("owner payments-api").contains("nearest name"));
}

#[test]
fn everything_wrong_with_an_entry_is_on_its_card() {
    let mut world = shop();
    world.group("team-empty").display_name("Team Empty");
    world
        .component("old-thing")
        .spec("lifecycle", "deprecated")
        .owner("team-empty")
        .archived()
        .broken_for(5, "line 3: `owner` must be text");
    world.component("old-thing").repository("acme/other");
    check(
        &world.bot().say("owner old-thing"),
        expect![[r#"
        old-thing is owned by Team Empty. No channel is known for them.

          ! Team Empty has no members in the catalog: perhaps nobody listens there.
          ! catalog-info.yaml on the default branch has been broken since 2026-11-20
            22:14 UTC: line 3: `owner` must be text. This is the last good version.
          ! acme/other/catalog-info.yaml claims to be component:old-thing too. Shown is
            acme/old-thing/catalog-info.yaml, which was there first.
          ! The repository acme/old-thing is archived: nothing can be changed there.
          ! Its lifecycle is deprecated: do not build on it.

        old-thing component:old-thing
          Owner       Team Empty
          Type        service, deprecated
          Depends on  nothing known
          Used by     nothing known
        → Dependencies        /deps component:default/old-thing
        → Owner's page        /owner group:default/team-empty
        → Report wrong entry  /report component:default/old-thing
        → Source              https://github.example/acme/old-thing/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/catalog-info.yaml

        Read from acme/old-thing@3f2c1ab, synced 3 min ago
    "#]],
    );
}

#[test]
fn a_team_a_person_a_system_and_an_api_are_answered_too() {
    let bot = shop().bot();
    check(
        &bot.say("owner team-payments"),
        expect![[r#"
        Team Payments: reach them in #team-payments.

        Team Payments group:team-payments
          Channel     #team-payments
          Lead        Ana Silva
          Belongs to  Money
          People      Ana Silva, Ben Okafor
          Owns        1 component, 1 API, 1 resource, 1 system
          - Payments API component:payments-api: service, production
          - Payments system:payments: system
          - payments-v2: openapi API, production
          - redis-payments: cache
        → Report wrong entry  /report group:default/team-payments
        → Source              https://github.example/acme/org/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/catalog-info.yaml

        Read from acme/org@3f2c1ab, synced 3 min ago
    "#]],
    );
    check(
        &bot.say("owner ana silva"),
        expect![[r#"
        Ana Silva is in Team Payments: ask in #team-payments.

        Ana Silva user:ana.silva
          Teams                 Team Payments
          Their team's channel  #team-payments
          Owns                  nothing
        → Report wrong entry  /report user:default/ana.silva
        → Source              https://github.example/acme/org/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/catalog-info.yaml

        Read from acme/org@3f2c1ab, synced 3 min ago
    "#]],
    );
    check(
        &bot.say("owner system:payments"),
        expect![[r#"
        Payments is owned by Team Payments: #team-payments, lead Ana Silva.

        Payments system:payments
          Owner       Team Payments
          Channel     #team-payments
          Lead        Ana Silva
          Belongs to  Money
          People      Ana Silva, Ben Okafor
          Part of     Commerce
          Made of     1 component, 1 API
          - Payments API component:payments-api: service, production
          - payments-v2: openapi API, production
        → Owner's page        /owner group:default/team-payments
        → Report wrong entry  /report system:default/payments
        → Source              https://github.example/acme/org/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/catalog-info.yaml

        Read from acme/org@3f2c1ab, synced 3 min ago
    "#]],
    );
    check(
        &bot.say("owner payments-v2"),
        expect![[r#"
        payments-v2 is owned by Team Payments: #team-payments, lead Ana Silva.

        payments-v2 api:payments-v2
          Owner        Team Payments
          Channel      #team-payments
          Lead         Ana Silva
          Belongs to   Money
          People       Ana Silva, Ben Okafor
          Type         openapi API, production
          Part of      Payments (in Commerce)
          Provided by  Payments API
          Used by      1 component
        → Dependencies        /deps api:default/payments-v2
        → Owner's page        /owner group:default/team-payments
        → Report wrong entry  /report api:default/payments-v2
        → Source              https://github.example/acme/payments-v2/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/catalog-info.yaml

        Read from acme/payments-v2@3f2c1ab, synced 3 min ago
    "#]],
    );
}

#[test]
fn a_channel_is_borrowed_from_the_parent_and_says_so() {
    let ledger = shop().bot().say("owner ledger");
    assert!(ledger.starts_with("ledger is owned by Team Ledger: #money (of Money).\n"), "{ledger}");
}

#[test]
fn only_eight_people_are_named() {
    let mut world = World::new();
    world.group("crowd");
    for number in 10..21 {
        world.user(&format!("u{number}")).member_of("crowd");
    }
    let crowd = world.bot().say("owner crowd");
    assert!(crowd.contains("u10, u11, u12, u13, u14, u15, u16, u17 + 3"), "{crowd}");
}

#[test]
fn a_stale_source_and_an_absent_database_are_said_loudly() {
    let mut world = shop();
    let stale = world.synced(Some(60 * 24 * 12)).bot().say("owner checkout");
    assert!(stale.contains("! Last synced 12 days ago, 2026-11-09 03:14 UTC. This may have changed since."), "{stale}");
    assert!(stale.ends_with("Read from acme/checkout@3f2c1ab, synced 12 days ago: stale\n"), "{stale}");

    let bot = world.synced(Some(3)).bot();
    let catalog = bot.app.catalog.load();
    let away = StoreHealth::AwaySince(now() - Duration::minutes(2));
    let asking = Asking::new(&catalog, now(), &bot.account, None, &[], away);
    let reply = commands::owner::owner(&catalog, &asking, &commands::owner::Owner { name: "checkout".to_owned() });
    let text = render_text(&Response::Reply(reply), 100, Colour::Off);
    let said = "! PostgreSQL has been unreachable since 2026-11-21 03:12 UTC; this is what was known then.";
    assert!(text.contains(said), "{text}");
}

#[test]
fn a_runbook_shows_its_outline_and_keeps_code_whole() {
    check(
        &shop().bot().say("runbook payments-api"),
        expect![[r#"
        The runbook of Payments API.

        Payments API runbook
          - Alerts
            - PaymentsErrorRateHigh
          - Failover
          - Roll back
          Say so early in #incidents. See Failover
          <https://github.example/acme/payments-api/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/runbook.md#failover>
          and the wiki
          <https://github.example/acme/payments-api/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/docs/acquirers.md>.

        Alerts

        PaymentsErrorRateHigh
          1. Look at errors by acquirer.
          2. Store it:
            vault kv put key=@new.key
          3. Watch everything:
            - pods
            - queues

        Failover
          Takes ten seconds.
            payctl route set --from nordbank \
              --to cardstream   # both spaces stay
          Who  When
          SRE  always

        Roll back
          [x] page tell somebody
          [ ] argocd app rollback
          graph
          <https://github.example/acme/payments-api/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/img/graph.png>
        → Alerts                 /runbook component:default/payments-api alerts
        → PaymentsErrorRateHigh  /runbook component:default/payments-api paymentserrorratehigh
        → Failover               /runbook component:default/payments-api failover
        → Roll back              /runbook component:default/payments-api roll-back
        Last changed 20 days ago

        → Owner   /owner component:default/payments-api
        → Source  https://github.example/acme/payments-api/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/runbook.md

        Read from acme/payments-api@3f2c1ab, synced 3 min ago
    "#]],
    );
}

#[test]
fn a_section_is_found_by_its_words() {
    let bot = shop().bot();
    check(
        &bot.say("runbook payments api failover"),
        expect![[r#"
        Payments API, runbook: Failover

        Payments API runbook

        Failover
          Takes ten seconds.
            payctl route set --from nordbank \
              --to cardstream   # both spaces stay
          Who  When
          SRE  always
        → Whole runbook          /runbook component:default/payments-api
        → Alerts                 /runbook component:default/payments-api alerts
        → PaymentsErrorRateHigh  /runbook component:default/payments-api paymentserrorratehigh
        → Roll back              /runbook component:default/payments-api roll-back
        Last changed 20 days ago

        → Owner   /owner component:default/payments-api
        → Source  https://github.example/acme/payments-api/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/runbook.md

        Read from acme/payments-api@3f2c1ab, synced 3 min ago
    "#]],
    );
    for asked in ["Failover", "FAIL", "failovr", "cardstream"] {
        let reply = bot.reply(&format!("runbook payments-api {asked}"));
        assert_eq!(reply.lead.to_plain(), "Payments API, runbook: Failover", "{asked}");
    }
    let rollback = bot.reply("runbook payments-api rollback");
    assert_eq!(rollback.lead.to_plain(), "Payments API, runbook: Roll back");
    let nothing = bot.reply("runbook payments-api gardening");
    assert!(nothing.lead.to_plain().contains("has no section like “gardening”"));
}

#[test]
fn links_lead_to_the_commit_that_was_read() {
    let reply = shop().bot().reply("runbook payments-api");
    let text = format!("{reply:?}");
    let blob = "https://github.example/acme/payments-api/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4";
    for link in ["/docs/acquirers.md", "/runbook.md#failover", "/img/graph.png"] {
        assert!(text.contains(&format!("{blob}{link}")), "{link}: {text}");
    }
}

#[test]
fn a_script_address_is_shown_as_words_alone() {
    let mut world = shop();
    world.runbook("acme/ledger", "runbook.md", "[press](javascript:alert(1)) <b>now</b>");
    let reply = world.bot().reply("runbook ledger");
    assert!(!format!("{reply:?}").contains("javascript"), "{reply:?}");
}

#[test]
fn things_of_one_repository_share_its_runbook() {
    assert_eq!(shop().bot().reply("runbook redis-payments").status, Status::Answered);
}

#[test]
fn a_missing_runbook_says_where_to_add_one_and_whom_to_ask() {
    let reply = shop().bot().reply("runbook checkout");
    assert_eq!(reply.status, Status::NotFound);
    check(
        &shop().bot().say("runbook checkout"),
        expect![[r#"
        checkout has no runbook.

          Ask Team Checkout in #team-checkout.

          To add one, put runbook.md into acme/checkout; the next sync brings it. Or
          name a path or address in the annotation steward.dev/runbook.

        → Owner       /owner component:default/checkout
        → Repository  https://github.example/acme/checkout
    "#]],
    );
}

#[test]
fn an_annotated_runbook_is_preferred_and_an_old_one_doubted() {
    let mut world = shop();
    world.component("search").annotate("steward.dev/runbook", "ops/on-call.md");
    world.runbook("acme/search", "runbook.md", "the wrong one");
    world.runbook("acme/search", "ops/on-call.md", "the right one").origin.committed_at = Some(now() - Duration::days(430));
    world.component("mail").annotate("steward.dev/runbook", "https://wiki.example/mail");
    let search = world.bot().say("runbook search");
    assert!(search.contains("the right one") && !search.contains("the wrong one"), "{search}");
    assert!(search.contains("! Nobody has changed this runbook for 14 months."), "{search}");
    let mail = world.bot().say("runbook mail");
    assert!(mail.starts_with("The runbook of mail is kept elsewhere: https://wiki.example/mail"), "{mail}");
}

#[test]
fn a_long_runbook_is_cut_between_blocks_and_says_so() {
    let mut world = shop();
    let mut text = "# Long\n".to_owned();
    for number in 0..60 {
        text.push_str(&format!("\n## Part {number}\n\n{}\n", "word ".repeat(30)));
    }
    world.runbook("acme/ledger", "runbook.md", &text);
    let reply = world.bot().reply("runbook ledger");
    assert!(reply.cards[0].body.len() <= 40, "{}", reply.cards[0].body.len());
    assert!(world.bot().say("runbook ledger").contains("There is more: read on at its source"));
    for button in &reply.cards[0].buttons {
        let Does::Say(line) = &button.does else { panic!("a section is a command line") };
        assert!(line.chars().count() <= 100, "{line}");
        assert_eq!(world.bot().reply(line).status, Status::Answered);
    }
}

#[test]
fn deps_shows_both_ways_with_owners_circles_and_what_is_unknown() {
    check(
        &shop().bot().say("deps payments-api"),
        expect![[r#"
        If Payments API breaks, 3 others may break with it: 2 of them directly. It
        depends on 4 others: 3 of them directly.

        What breaks with it
            payments-api
            ├─ checkout (through payments-v2): Team Checkout
            │  └─ shop-web: Team Checkout
            └─ fraud-scoring: Team Ledger
               └─ ↺ payments-api (a circle)
          Other teams to tell: Team Checkout, Team Ledger.

        What it depends on
            payments-api
            ├─ fraud-scoring: Team Ledger
            │  └─ ↺ payments-api (a circle)
            ├─ ledger (through ledger-grpc): Team Ledger
            │  └─ ✗ resource:postgres-ledger is not in the catalog
            └─ redis-payments: Team Payments
          ! 1 of these is not in the catalog: what lies behind is not known.

        → Only what breaks    /deps component:default/payments-api up
        → Only what it needs  /deps component:default/payments-api down
        → Owner               /owner component:default/payments-api

        Read from acme/payments-api@3f2c1ab, synced 3 min ago
    "#]],
    );
    check(
        &shop().bot().say("deps payments-api up depth 1"),
        expect![[r#"
        If Payments API breaks, 3 others may break with it: 2 of them directly.

        What breaks with it
            payments-api
            ├─ checkout (through payments-v2): Team Checkout
            └─ fraud-scoring: Team Ledger
          1 more lies further away; a greater depth shows them.
          Other teams to tell: Team Checkout, Team Ledger.

        → Only what it needs  /deps component:default/payments-api down
        → One level deeper    /deps component:default/payments-api up depth 2
        → Owner               /owner component:default/payments-api

        Read from acme/payments-api@3f2c1ab, synced 3 min ago
    "#]],
    );
}

#[test]
fn a_hub_is_counted_and_its_tree_is_bounded() {
    let mut world = World::new();
    world.add("Resource", "cluster");
    for number in 0..200 {
        world.component(&format!("s{number:03}")).depends_on("resource:cluster");
    }
    let text = world.bot().say("deps cluster");
    assert!(text.starts_with("If cluster breaks, 200 others may break with it."), "{text}");
    assert!(text.contains("+ 171 more lines"), "{text}");
    assert!(text.lines().count() < 50);
}

#[test]
fn find_wants_every_word_and_pages_by_ten() {
    let mut world = shop();
    for number in 0..23 {
        world.component(&format!("worker-{number:02}")).describe("Moves parcels about.").owner("team-ledger");
    }
    let bot = world.bot();
    let first = bot.reply("find worker");
    assert_eq!(first.refs.len(), 10);
    assert_eq!(first.lead.to_plain(), "23 entries fit “worker”; these are 1 to 10.");
    let Does::Say(next) = &first.buttons[0].does else { panic!("a page is a command line") };
    let second = bot.reply(next);
    assert_eq!(second.refs[0], "component:default/worker-10");
    assert_eq!(bot.reply("find worker page 3").refs.len(), 3);
    // Words of the description and of the owner's name.
    assert_eq!(bot.reply("find parcels ledger").refs.len(), 10);
    assert!(bot.refs("find parcels payments").is_empty());
    check(
        &shop().bot().say("find payments team-payments"),
        expect![[r#"
        5 entries fit “payments team-payments”.

          1. Team Payments group:team-payments: team
          2. Payments API component:payments-api: service, part of Payments, owned by
             Team Payments
             Authorises, captures and refunds payments.
          3. Payments system:payments: system, part of Commerce, owned by Team Payments
          4. payments-v2 api:payments-v2: openapi API, part of Payments, owned by Team
             Payments
          5. redis-payments resource:redis-payments: cache, owned by Team Payments
        → team-payments   /owner group:default/team-payments
        → payments-api    /owner component:default/payments-api
        → payments        /owner system:default/payments
        → payments-v2     /owner api:default/payments-v2
        → redis-payments  /owner resource:default/redis-payments

        Read from the catalog, synced 3 min ago
    "#]],
    );
}

#[test]
fn catalog_shows_coverage_freshness_and_what_is_broken() {
    let mut world = shop();
    world.broken("acme/stock", 7, "`kind` is missing; write kind: Component").bare_repositories(4);
    world.component("checkout").repository("acme/copy-of-checkout");
    check(
        &world.bot().say("catalog"),
        expect![[r#"
        The catalog holds 18 entities from 14 repositories; 1 descriptor is broken.

          Kind       Entities  With a known owner  With a runbook
          Component  5         5                   1
          API        2         2                   –
          Resource   1         1                   1
          System     1         1                   –
          Domain     1         1                   –
          Group      4         –                   –
          User       4         –                   –
          4 repositories have no descriptor.

        Sources
          - acme: synced 3 min ago

        Broken descriptors
          - acme/stock/catalog-info.yaml:7
            <https://github.example/acme/stock/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/catalog-info.yaml#L7>
            `kind` is missing; write kind: Component.

        Claimed by more than one file; the first is shown
          - component:checkout: acme/checkout/catalog-info.yaml, then
            acme/copy-of-checkout/catalog-info.yaml

        Read from the catalog, synced 3 min ago
    "#]],
    );
}

#[test]
fn an_empty_catalog_says_what_to_do() {
    check(
        &World::new().bot().say("owner payments"),
        expect![[r#"
        The catalog is empty: no source has brought an entity yet.

          1. Name a source in steward.yaml: a GitHub organisation or a folder of
             checkouts.
          2. Put a catalog-info.yaml into a repository.
          3. Sync: an admin says /catalog sync here, or runs `steward sync`.

        → State of the catalog  /catalog
    "#]],
    );
}

#[test]
fn only_admins_may_sync_and_are_named() {
    let world = shop();
    let refused = world.bot().by("ana.silva").admin("group:default/team-ledger").reply("catalog sync");
    assert_eq!(refused.status, Status::Refused);
    assert_eq!(refused.lead.to_plain(), "Only admins may start a sync. They are: Team Ledger. Nothing was changed.");
    assert!(!world.bot().by("ana.silva").say("catalog").contains("Sync now"));
    // The button is there for an admin through a parent group.
    let admin = world.bot().by("ana.silva").admin("group:default/money");
    assert!(admin.say("catalog").contains("→ Sync now  /catalog sync"));
}

#[test]
fn an_act_without_the_database_is_refused_and_says_that_nothing_changed() {
    let admin = shop().bot().by("ana.silva").admin("user:default/ana.silva");
    let reply = admin.reply("catalog sync");
    assert_eq!(reply.status, Status::Refused);
    check(
        &reply.lead.to_plain(),
        expect![
            "The sync was not started. PostgreSQL cannot be reached, and every change is written down there first. Nothing was changed. Try again in a few minutes; answers still work."
        ],
    );
}

fn submission(page: usize, state: FormState, values: &[(&str, Value)]) -> Submission {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Submission { form: "report".to_owned(), page, state, values }
}

fn form_of(response: Response) -> steward::chat::Form {
    match response {
        Response::Form(form) => *form,
        other => panic!("a form was expected, not {other:?}"),
    }
}

#[test]
fn report_asks_two_pages_and_keeps_the_answers_on_the_way() {
    let bot = shop().bot().by("kim.lee");
    let first = form_of(bot.respond("report payments-api"));
    assert_eq!((first.page, first.pages, first.state.subject.as_str()), (0, 2, "component:default/payments-api"));

    // The right owner is needed only where the owner is wrong.
    let what = |what: &str| ("what", Value::Text(what.to_owned()));
    let again = form_of(bot.act(Act::Submit(submission(0, first.state.clone(), &[what("owner")]))));
    assert_eq!(again.page, 0);
    assert!(again.fields[1].error.is_some() && again.fields[0].value.is_some());
    let unknown = ("right_owner", Value::Text("group:default/nobody".to_owned()));
    let again = form_of(bot.act(Act::Submit(submission(0, first.state.clone(), &[what("owner"), unknown]))));
    assert!(again.fields[1].error.as_deref().is_some_and(|error| error.contains("No team is called")));
    assert_eq!(form_of(bot.act(Act::Submit(submission(0, first.state.clone(), &[what("lifecycle")])))).page, 1);

    let ledger = ("right_owner", Value::Text("group:default/team-ledger".to_owned()));
    let second = form_of(bot.act(Act::Submit(submission(0, first.state, &[what("owner"), ledger]))));
    assert_eq!(second.page, 1);
    check(
        &second.intro.to_plain(),
        expect![
            "This goes to Team Payments in #team-payments: Kim Lee says of Payments API component:payments-api: its owner is wrong; the right one is Team Ledger."
        ],
    );

    let note = ("note", Value::Text("We took it over in May.".to_owned()));
    let back = form_of(bot.act(Act::Back(submission(1, second.state.clone(), std::slice::from_ref(&note)))));
    assert_eq!(back.fields[1].value, Some(Value::Text("group:default/team-ledger".to_owned())));
    assert!(back.state.values.contains_key("note"), "what was typed on the page that was left is kept");

    // No database in this test: the end is a clear refusal.
    let Response::Reply(end) = bot.act(Act::Submit(submission(1, second.state, &[note]))) else { panic!("the end is a reply") };
    assert_eq!(end.status, Status::Refused);
    assert!(end.lead.to_plain().starts_with("Your report was not sent."));
}

#[test]
fn the_forms_state_stays_under_slacks_limit() {
    let bot = shop().bot();
    let form = form_of(bot.respond("report payments-api"));
    let note = Value::Text("ß".repeat(500));
    let values = [("what", Value::Text("other".to_owned())), ("note", note)];
    let form = form_of(bot.act(Act::Back(submission(1, form.state, &values))));
    assert!(serde_json::to_string(&form.state).unwrap().len() < 3_000);
}

#[test]
fn typeahead_offers_teams_the_askers_own_first() {
    let bot = shop().bot().by("kim.lee");
    let choices = |typed: &str| {
        let act = Act::Complete { form: "report".to_owned(), field: "right_owner".to_owned(), typed: typed.to_owned() };
        match bot.act(act) {
            Response::Choices(choices) => choices.into_iter().map(|choice| choice.label).collect::<Vec<_>>(),
            other => panic!("choices were expected, not {other:?}"),
        }
    };
    assert_eq!(choices(""), ["Money", "Team Ledger", "Team Checkout", "Team Payments"]);
    assert_eq!(choices("paym"), ["Team Payments"]);
}

#[test]
fn help_comes_from_the_definitions() {
    let bot = shop().bot();
    check(
        &bot.say(""),
        expect![[r#"
        Ask by name; case, spaces and small slips are forgiven. These are the commands:

          - /owner NAME Who owns it and how to reach them
          - /runbook NAME [SECTION] The runbook itself, section by section
          - /deps NAME [up|down|both] [depth N] What it depends on, and what breaks if
            it breaks
          - /find WORDS [page N] Search the catalog by name, words, tag or owner
          - /report NAME Tell the owning team that an entry is wrong
          - /catalog [sync] What the catalog holds, how fresh it is, what is broken
          - /help [COMMAND] What there is, with examples
        → About owner    /help owner
        → About runbook  /help runbook
        → About deps     /help deps
        → About find     /help find
        → About report   /help report
        → About catalog  /help catalog
    "#]],
    );
    check(
        &bot.say("help deps"),
        expect![[r#"
        /deps NAME [up|down|both] [depth N] What it depends on, and what breaks if it
        breaks.

          up: what breaks with it. down: what may break it. Both where neither is said.
          Using an API counts as depending on whoever provides it; being part of the
          same system does not.
          - name: name, alias or full reference
          - direction: up for what uses it, down for what it uses (may be left out)
          - depth: how many levels to show (may be left out)
          Examples
          - /deps payments-api both ways, two levels
          - /deps payments-api up depth 3 what breaks with it, three levels

        → All commands  /help
    "#]],
    );
    assert_eq!(bot.say("help"), bot.say("  "));
}

#[test]
fn a_mistyped_command_and_bad_arguments_say_how_it_is_written() {
    let bot = shop().bot();
    check(
        &bot.say("onwer payments-api"),
        expect![[r#"
        There is no command “onwer”. Did you mean /owner?

        → About owner   /help owner
        → All commands  /help
    "#]],
    );
    check(
        &bot.say("owner"),
        expect![[r#"
        /owner needs a name: name, alias or full reference of anything in the catalog.
        Write /owner NAME, for example: /owner payments-api

        → About owner  /help owner
    "#]],
    );
    check(
        &bot.say("deps payments-api depth many"),
        expect![[r#"
        “depth” must be a number from 1 to 9, not “many”. Write /deps NAME
        [up|down|both] [depth N], for example: /deps payments-api

        → About deps  /help deps
    "#]],
    );
}

#[test]
fn lines_are_read_as_chat_programs_send_them() {
    let commands = commands::load_definitions().unwrap();
    let read = |line: &str| {
        let (command, arguments) = commands.parse_line(line).unwrap_or_else(|fault| panic!("{line}: {fault:?}"));
        let arguments: Vec<String> = arguments.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {}", command.name, arguments.join(" "))
    };
    for line in [
        "owner payments api",
        "/owner payments api",
        "/steward owner payments api",
        "steward owner payments api  ",
        "<@U1> owner payments api",
        "@steward Owner payments\u{a0}api",
        "owner \u{201c}payments api\u{201d}",
        "owner `payments api`",
        "/owner \"payments api",
    ] {
        assert_eq!(read(line), "owner name=payments api", "{line}");
    }
    for line in ["deps payments api up depth 3", "deps payments api depth=3 up", "deps payments api --depth 3 UP"] {
        assert_eq!(read(line), "deps depth=3 direction=up name=payments api", "{line}");
    }
    assert_eq!(read("<@U1> who owns payments-api?"), "owner name=payments-api");
    assert_eq!(read("What depends on the-ledger ?"), "deps name=the-ledger");
    assert_eq!(read("deps up"), "deps name=up");
    assert_eq!(read("deps \"scale up\""), "deps name=scale up");
    assert_eq!(read("runbook payments-api roll back"), "runbook name=payments-api section=roll back");
    assert_eq!(read("catalog sync"), "catalog action=sync");
    assert_eq!(read("help /deps"), "help command=deps");
    assert_eq!(commands.parse_line("  "), Err(LineFault::Empty));
    assert_eq!(commands.parse_line("<@U1>"), Err(LineFault::Empty));
    assert!(matches!(commands.parse_line("catalog sink"), Err(LineFault::BadArguments { .. })));
    let unknown = LineFault::UnknownCommand { typed: "runbok".to_owned(), nearest: vec!["runbook".to_owned()] };
    assert_eq!(commands.parse_line("runbok x"), Err(unknown));
}

#[test]
fn every_button_is_a_line_that_can_be_read_and_fits_everywhere() {
    let bot = shop().bot().by("ana.silva").admin("user:default/ana.silva");
    let mut open = vec!["help".to_owned(), "owner payments-api".to_owned(), "find team".to_owned(), "catalog".to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(line) = open.pop() {
        if !seen.insert(line.clone()) || line == "catalog sync" {
            continue;
        }
        let Response::Reply(reply) = bot.respond(&line) else { continue };
        assert!(matches!(reply.status, Status::Answered | Status::NotFound), "{line}: {}", reply.lead.to_plain());
        for button in reply.buttons.iter().chain(reply.cards.iter().flat_map(|card| &card.buttons)) {
            assert!(button.label.chars().count() <= 75, "{}", button.label);
            if let Does::Say(next) = &button.does {
                assert!(next.chars().count() <= 100, "{next}");
                open.push(next.clone());
            }
        }
        assert!(reply.cards.iter().all(|card| card.fields.len() <= 10), "{line}");
    }
    assert!(seen.len() > 30, "the walk should reach most of the shop: {seen:?}");
}

#[test]
fn questions_are_shown_to_the_asker_and_answers_to_the_channel() {
    let bot = shop().bot();
    assert_eq!(bot.reply("owner payments-api").audience, Audience::Everyone);
    assert_eq!(bot.reply("owner nonsense-xyz").audience, Audience::Asker);
    assert_eq!(bot.reply("find payments").audience, Audience::Asker);
}

#[test]
fn json_is_the_object_of_the_contract() {
    let json = render_json(&shop().bot().respond("owner checkout"));
    let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["status", "command", "refs", "text", "read_from", "synced_at"]);
    assert_eq!(json["status"], "answered");
    assert_eq!(json["refs"], json!(["component:default/checkout"]));
    assert_eq!(json["read_from"], "acme/checkout@3f2c1ab");
    assert_eq!(json["synced_at"], "2026-11-21T03:11:00Z");
}

#[test]
fn nothing_from_the_catalog_controls_the_terminal() {
    let mut world = World::new();
    world.component("evil").describe("red \u{1b}[31m and \u{7} bell");
    let text = world.bot().say("owner evil");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
}

#[test]
fn definitions_and_answers_are_twins() {
    let root = env!("CARGO_MANIFEST_DIR");
    let stems = |folder: &str, ending: &str| -> BTreeSet<String> {
        let files =
            std::fs::read_dir(format!("{root}/{folder}")).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        files.filter_map(|file| file.strip_suffix(ending).map(str::to_owned)).filter(|stem| stem != "mod").collect()
    };
    let definitions = stems("commands", ".yaml");
    assert_eq!(definitions, stems("src/commands", ".rs"));
    let loaded: BTreeSet<String> = commands::load_definitions().unwrap().0.into_iter().map(|command| command.name).collect();
    assert_eq!(definitions, loaded);
}

#[test]
fn a_bad_definition_names_file_and_line() {
    let faults = |text: &str| CommandSet::load([("owner.yaml", text)]).unwrap_err().to_string();
    let good = "name: owner\nsummary: who owns it\nexamples: []\nvisibility: asker\naccess: everyone\n";
    assert!(CommandSet::load([("owner.yaml", good)]).is_ok());
    assert!(
        faults(&good.replace("visibility", "visibilty")).starts_with("owner.yaml:4: "),
        "{}",
        faults(&good.replace("visibility", "visibilty"))
    );
    assert!(faults(&good.replace("owns it", "owns it.")).starts_with("owner.yaml:2: a summary"));
    assert!(faults(&good.replace("owner", "Owner")).starts_with("owner.yaml:1: "));
    let example = good.replace("[]", "\n  - line: owner too many words\n    says: nothing");
    assert!(faults(&example).starts_with("owner.yaml:4: the example"), "{}", faults(&example));
}
