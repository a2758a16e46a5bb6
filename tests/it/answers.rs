//! What people read of owners, dependencies, the catalog and searches, as the terminal shows it.

use chrono::Duration;
use expect_test::expect;
use serde_json::json;
use steward::{
    chat::{Audience, Does, Response, Status},
    cli::ask::{Colour, render_json, render_text},
    commands::{self, Asking, StoreHealth},
};

use crate::{
    shop::{check, shop},
    world::{World, now},
};

#[test]
fn owner_says_who_how_to_reach_them_and_where_it_was_read() {
    check(
        &shop().bot().say("/owner payments api"),
        expect![[r#"
            Payments API is owned by Team Payments: #team-payments, lead Ana Silva.

            Payments API component:payments-api
              Owner       Team Payments
              Channel     #team-payments
              Runbook     runbook.md
                          <https://github.example/acme/payments-api/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/runbook.md>
              Lead        Ana Silva
              Belongs to  Money
              People      Ana Silva, Ben Okafor
              Type        service, production
              Part of     Payments (in Commerce)
              Authorises, captures and refunds payments.
              Depends on: fraud-scoring (Team Ledger), ledger (Team Ledger), redis-payments
              Used by: checkout (Team Checkout), fraud-scoring (Team Ledger)
              Links: Dashboard <https://grafana.example/d/payments>
            → Runbook          /runbook component:default/payments-api
            → Blast radius     /deps component:default/payments-api
            → Attach incident  /incident component:default/payments-api
            → Refresh          /owner component:default/payments-api
            → Owner's page     /owner group:default/team-payments
            → Wrong owner?     /report component:default/payments-api
            → Source           https://github.example/acme/payments-api/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/catalog-info.yaml

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
            payments-worker has no known owner. Ask Team Payments in #team-payments.

              ! The owner group:default/team-paymnts is not in the catalog. Perhaps Team
                Payments is meant. Team Payments own the system Payments, which it belongs
                to.

            payments-worker component:payments-worker
              Owner    group:default/team-paymnts
              Type     service, production
              Part of  Payments (in Commerce)
              Depends on: nothing known
              Used by: nothing known
            → Blast radius     /deps component:default/payments-worker
            → Attach incident  /incident component:default/payments-worker
            → Refresh          /owner component:default/payments-worker
            → Wrong owner?     /report component:default/payments-worker
            → Source           https://github.example/acme/payments-worker/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/catalog-info.yaml

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
    assert!(cron.starts_with("cron has no known owner. Ask Team Payments in #team-payments.\n"), "{cron}");
    assert_eq!(cron.matches("  ! ").count(), 1, "{cron}");
    let batch = bot.say("owner batch");
    assert!(batch.contains("Idle Ida is in no team any more and may have left."), "{batch}");
}

#[test]
fn a_guessed_name_is_owned_up_to() {
    let guessed = shop().bot().say("owner paymnets-api");
    assert!(guessed.starts_with("Nothing is called “paymnets-api”; this is the nearest name."), "{guessed}");
    assert!(!shop().bot().say("owner payments-api").contains("nearest name"));
}

#[test]
fn a_missing_team_is_no_other_team_that_is_merely_spelt_alike() {
    let mut world = shop();
    world.group("team-platform").display_name("Runtime Platform");
    world.user("jane.whitfield").display_name("Jane Whitfield");
    world.component("loyalty-service").owner("team-loyalty");
    let bot = world.bot();
    let loyalty = bot.say("owner loyalty-service");
    assert!(!loyalty.contains("Perhaps") && !loyalty.contains("Platform"), "{loyalty}");
    let team = bot.say("owner team-loyalty");
    assert!(team.contains("loyalty-service") && !team.contains("Platform"), "{team}");
    let karen = bot.say("owner karen.white");
    assert!(!karen.contains("Whitfield"), "{karen}");
}

#[test]
fn a_name_whose_descriptor_is_broken_says_so() {
    let mut world = shop();
    world.component("gift-cards-web");
    world.broken("acme/gift-cards", 8, "a tab indents this line; write spaces.");
    for line in ["owner gift-cards", "deps gift cards", "runbook acme/gift-cards", "owner component:gift-cards"] {
        let reply = world.bot().reply(line);
        assert_eq!(reply.status, Status::NotFound, "{line}");
        let said =
            "acme/gift-cards has a descriptor that cannot be read (catalog-info.yaml:8: a tab indents this line; write spaces).";
        assert_eq!(reply.lead.to_plain(), said, "{line}");
        let Does::Open(url) = &reply.buttons[0].does else { panic!("{line} should link to the file") };
        assert!(url.ends_with("/catalog-info.yaml#L8"), "{url}");
        assert!(reply.cards[0].buttons.is_empty(), "{line} offers nothing else");
    }
    assert_eq!(world.bot().reply("owner gift-cards-web").status, Status::Answered);
}

#[test]
fn others_of_one_repository_are_not_of_the_same_name() {
    let said = shop().bot().say("owner acme/payments-api");
    assert!(said.contains("In the same repository: resource:redis-payments."), "{said}");
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
              Owner  Team Empty
              Type   service, deprecated
              Depends on: nothing known
              Used by: nothing known
            → Blast radius     /deps component:default/old-thing
            → Attach incident  /incident component:default/old-thing
            → Refresh          /owner component:default/old-thing
            → Owner's page     /owner group:default/team-empty
            → Wrong owner?     /report component:default/old-thing
            → Source           https://github.example/acme/old-thing/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/catalog-info.yaml

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
            → Wrong entry?  /report group:default/team-payments
            → Source        https://github.example/acme/org/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/catalog-info.yaml

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
            → Wrong entry?  /report user:default/ana.silva
            → Source        https://github.example/acme/org/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/catalog-info.yaml

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
            → Owner's page  /owner group:default/team-payments
            → Wrong owner?  /report system:default/payments
            → Source        https://github.example/acme/org/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/catalog-info.yaml

            Read from acme/org@3f2c1ab, synced 3 min ago
        "#]],
    );
    check(
        &bot.say("owner payments-v2"),
        expect![[r#"
            payments-v2 is owned by Team Payments: #team-payments, lead Ana Silva.

            payments-v2 api:payments-v2
              Owner       Team Payments
              Channel     #team-payments
              Lead        Ana Silva
              Belongs to  Money
              People      Ana Silva, Ben Okafor
              Type        openapi API, production
              Part of     Payments (in Commerce)
              Provided by: Payments API
              Used by: checkout (Team Checkout)
            → Blast radius     /deps api:default/payments-v2
            → Attach incident  /incident api:default/payments-v2
            → Refresh          /owner api:default/payments-v2
            → Owner's page     /owner group:default/team-payments
            → Wrong owner?     /report api:default/payments-v2
            → Source           https://github.example/acme/payments-v2/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/catalog-info.yaml

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
fn deps_reads_a_bare_number_and_says_which_words_it_knows() {
    let bot = shop().bot();
    assert_eq!(bot.say("deps payments-api 1"), bot.say("deps payments-api depth 1"));
    let sideways = bot.reply("deps payments-api sideways");
    assert_eq!(
        sideways.lead.to_plain(),
        "/deps does not know “sideways”. Behind a name it knows up, down, both and depth 1 to 9: /deps payments-api up shows what breaks with Payments API."
    );
}

#[test]
fn deps_names_what_would_break_and_nobody_owns() {
    let mut world = shop();
    world.component("loyalty").owner("team-loyalty").depends_on("payments-api");
    let said = world.bot().say("deps payments-api up");
    assert!(said.contains("Other teams to tell: Team Checkout, Team Ledger. loyalty has no known owner."), "{said}");
}

#[test]
fn teams_and_people_have_neither_dependencies_nor_runbooks() {
    let mut world = shop();
    world.runbook("acme/org", "runbook.md", "How this list of teams is kept.");
    let bot = world.bot();
    for command in ["deps", "runbook"] {
        let team = bot.reply(&format!("{command} team-payments"));
        assert_eq!(team.lead.to_plain(), "Team Payments is a team; /owner team-payments shows what it owns.");
        assert_eq!(team.buttons[0].does, Does::Say("owner group:default/team-payments".to_owned()));
        let person = bot.reply(&format!("{command} ana.silva"));
        assert_eq!(person.lead.to_plain(), "Ana Silva is a person; /owner ana.silva shows their team and what they own.");
    }
}

#[test]
fn find_knows_owners_by_name_and_says_how_many_pages_there_are() {
    let mut world = shop();
    world.group("team-platform").display_name("Runtime Crew");
    world.component("cluster").owner("team-platform");
    let bot = world.bot();
    let nothing = bot.reply("find zzzzz");
    assert_eq!(nothing.lead.to_plain(), "Nothing fits “zzzzz”. Try another word.");
    assert_eq!((nothing.status, nothing.command.as_str()), (Status::NotFound, "find"));
    for line in ["find runtime crew", "find owner runtime", "find runtime owner", "find owned by crew"] {
        assert!(bot.refs(line).contains(&"component:default/cluster".to_owned()), "{line}");
    }
    let last = bot.reply("find payments page 99").lead.to_plain();
    assert!(last.starts_with("There is only one page. 5 entries fit"), "{last}");
    let last = bot.reply("find team page 9").lead.to_plain();
    assert!(last.starts_with("There are only 2 pages; this is the last. "), "{last}");
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

            Coverage
              - Docs: 0 of 5 components (0 %)
              - Runbooks: 1 of 5 components (20 %)

            Sources
              - acme: synced 3 min ago

            Broken descriptors
              - acme/stock/catalog-info.yaml:7
                <https://github.example/acme/stock/blob/3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/catalog-info.yaml#L7>
                `kind` is missing; write kind: Component.

            Claimed by more than one file; the first is shown
              - component:checkout: acme/checkout/catalog-info.yaml, then
                acme/copy-of-checkout/catalog-info.yaml

            → Metrics  /catalog metrics

            Read from the catalog, synced 3 min ago
        "#]],
    );
}

#[test]
fn ages_are_said_as_people_say_them() {
    let mut world = shop();
    for (minutes, said) in [
        (Some(60 * 23), "synced 23 h ago"),
        (Some(60 * 44), "synced yesterday"),
        (Some(60 * 49), "synced 2 days ago"),
        (None, "never synced"),
    ] {
        let text = world.synced(minutes).bot().say("owner checkout");
        assert!(text.contains(&format!("Read from acme/checkout@3f2c1ab, {said}")), "{text}");
    }
    let sources = world.bot().say("catalog");
    assert!(sources.contains("- acme: never synced\n"), "{sources}");
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
    assert!(admin.say("catalog").contains("/catalog sync"));
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

#[test]
fn answers_are_the_askers_own_until_they_share_them() {
    let bot = shop().bot();
    assert_eq!(bot.reply("owner payments-api").audience, Audience::Asker);
    assert_eq!(bot.reply("share owner payments-api").audience, Audience::Everyone);
    assert_eq!(bot.reply("share owner nonsense-xyz").audience, Audience::Asker);
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
