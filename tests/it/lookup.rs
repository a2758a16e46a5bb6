//! What people type finds what they mean.

use std::time::{Duration, Instant};

use steward::{
    catalog::{Catalog, EntityRef, Found, Sought},
    chat::{Platform, Status},
};

use crate::world::World;

/// "1: component:default/x" for one, "n: a b c" for several, "0: nearest" for none.
fn found(catalog: &Catalog, typed: &str) -> String {
    let names = |entries: &[std::sync::Arc<steward::catalog::Entry>]| {
        entries.iter().map(|entry| entry.entity.entity_ref.to_string()).collect::<Vec<_>>().join(" ")
    };
    match catalog.look_up(Sought::any(typed, &[])) {
        Found::One { entry, level, .. } => format!("{level:?}: {}", entry.entity.entity_ref),
        Found::Several { level, entries } => format!("{level:?} several: {}", names(&entries)),
        Found::None { nearest } => format!("None: {}", names(&nearest)),
    }
}

fn shop() -> World {
    let mut world = World::new();
    world.component("payments-api").title("Payments API").aliases("pay-api, payments service").owner("team-payments");
    world.component("payments-tests").owner("team-payments");
    world.component("payments-client").spec("type", "library");
    world.component("checkout/frontend").spec("type", "website").owner("team-checkout");
    world.component("search/frontend").spec("type", "website").owner("team-search");
    world.component("fraudScoring");
    world.component("order.events");
    world.group("team-payments").display_name("Team Payments");
    world.group("team-search");
    world.user("ana.silva").display_name("Ana Silva").member_of("team-search");
    world
}

#[test]
fn the_full_reference_and_the_name_are_exact() {
    let catalog = shop().catalog();
    for typed in [
        "component:default/payments-api",
        "component:payments-api",
        "payments-api",
        " PAYMENTS-API ",
        "@payments-api",
        "`payments-api`",
    ] {
        assert_eq!(found(&catalog, typed), "Exact: component:default/payments-api", "{typed}");
    }
    assert_eq!(found(&catalog, "search/frontend"), "Exact: component:search/frontend");
}

#[test]
fn spaces_hyphens_case_and_missing_separators_are_forgiven() {
    let catalog = shop().catalog();
    assert_eq!(found(&catalog, "payments api"), "Exact: component:default/payments-api");
    assert_eq!(found(&catalog, "Payments_API"), "Exact: component:default/payments-api");
    assert_eq!(found(&catalog, "paymentsapi"), "Alias: component:default/payments-api");
    assert_eq!(found(&catalog, "pay-api"), "Alias: component:default/payments-api");
    assert_eq!(found(&catalog, "payments SERVICE"), "Alias: component:default/payments-api");
    assert_eq!(found(&catalog, "ana silva"), "Alias: user:default/ana.silva");
}

#[test]
fn a_beginning_and_tokens_in_any_order_are_enough() {
    let catalog = shop().catalog();
    assert_eq!(found(&catalog, "fraud"), "Prefix: component:default/fraudscoring");
    assert_eq!(found(&catalog, "scoring"), "Token: component:default/fraudscoring");
    assert_eq!(found(&catalog, "events order"), "Token: component:default/order.events");
    assert_eq!(found(&catalog, "api pay"), "Token: component:default/payments-api");
    assert_eq!(found(&catalog, "payments library"), "Token: component:default/payments-client");
}

#[test]
fn a_repository_or_its_address_leads_to_what_it_describes() {
    let mut world = shop();
    world.component("mobile").repository("acme/Mobile-App");
    world.add("API", "mobile-push").repository("acme/Mobile-App");
    let catalog = world.catalog();
    for typed in [
        "acme/mobile-app",
        "https://github.example/acme/mobile-app",
        "https://github.example/Acme/mobile-app/blob/main/README.md",
    ] {
        assert_eq!(found(&catalog, typed), "Alias: component:default/mobile", "{typed}");
    }
}

#[test]
fn slips_are_forgiven_by_length() {
    let catalog = shop().catalog();
    assert_eq!(found(&catalog, "paymnets-api"), "Typo: component:default/payments-api");
    assert_eq!(found(&catalog, "paiments-apy"), "Typo: component:default/payments-api");
    assert_eq!(found(&catalog, "scorign"), "Typo: component:default/fraudscoring");
    // Three letters are too few to guess by.
    assert_eq!(found(&catalog, "pya"), "None: ");
}

#[test]
fn nothing_gives_the_nearest_names() {
    let catalog = shop().catalog();
    assert!(found(&catalog, "payments-apigateway").starts_with("None: component:default/payments-api "));
    let reply = shop().bot().reply("owner payments-apigateway");
    assert_eq!(reply.status, Status::NotFound);
    assert!(reply.refs.is_empty(), "nothing was found, so nothing is claimed");
    assert_eq!(reply.cards[0].buttons[0].label, "payments-api");
}

#[test]
fn tests_never_come_before_the_real_thing() {
    let mut world = shop();
    // Even where the tests are what everything else leans on.
    for user in ["a-service", "b-service", "c-service"] {
        world.component(user).depends_on("payments-tests");
    }
    world.component("payments-api").spec("type", "grpc").repository("acme/payments-grpc");
    let catalog = world.catalog();
    for typed in ["payment", "payments", "paymets"] {
        let found = found(&catalog, typed);
        let (api, tests) = (found.find("/payments-api"), found.find("/payments-tests"));
        assert!(api.is_some() && api < tests.or(Some(usize::MAX)), "{typed}: {found}");
    }
    // Who asks for the tests gets them.
    assert_eq!(self::found(&catalog, "payments tests"), "Exact: component:default/payments-tests");
}

#[test]
fn the_order_is_kind_then_lifecycle_then_weight_then_whose_then_name() {
    let mut world = World::new();
    world.add("Resource", "pay-database");
    world.add("API", "pay-events");
    world.add("System", "pay-domain");
    world.component("pay-library").spec("type", "library");
    world.component("pay-old").spec("lifecycle", "deprecated");
    world.component("pay-c").owner("team-c");
    world.component("pay-b");
    world.component("pay-a");
    world.component("user-of-b").depends_on("pay-b");
    let catalog = world.catalog();
    let own = [EntityRef::new("group", "default", "team-c")];
    let Found::Several { entries, .. } = catalog.look_up(Sought::any("pay", &own)) else { panic!("several begin with pay") };
    let names: Vec<&str> = entries.iter().map(|entry| entry.entity.entity_ref.name()).collect();
    assert_eq!(names, ["pay-b", "pay-c", "pay-a", "pay-old", "pay-library", "pay-domain", "pay-events", "pay-database"]);
}

#[test]
fn one_component_wins_over_other_kinds_of_the_same_name() {
    let mut world = World::new();
    world.add("System", "payments");
    world.component("payments");
    world.group("payments");
    let reply = world.bot().reply("owner payments");
    assert_eq!(reply.status, Status::Answered);
    assert_eq!(reply.refs, ["component:default/payments", "system:default/payments", "group:default/payments"]);
    assert!(world.bot().say("owner payments").contains("Of the same name: system:payments, group:payments."));

    let mut world = World::new();
    world.add("System", "payments");
    world.group("payments");
    assert_eq!(world.bot().reply("owner payments").status, Status::Ambiguous);
}

#[test]
fn the_same_name_in_several_namespaces_asks_back_with_the_askers_own_first() {
    let world = shop();
    assert_eq!(world.bot().refs("owner frontend"), ["component:checkout/frontend", "component:search/frontend"]);
    let reply = world.bot().by("ana.silva").reply("owner frontend");
    assert_eq!(reply.status, Status::Ambiguous);
    assert_eq!(reply.refs, ["component:search/frontend", "component:checkout/frontend"]);
}

#[test]
fn find_and_owner_agree_on_the_first() {
    let world = shop();
    let bot = world.bot().by("ana.silva");
    for typed in ["payments-api", "payments api", "frontend", "payment", "payments", "scoring", "paymnets-api", "ana", "pay"] {
        let (owner, find) = (bot.refs(&format!("owner {typed}")), bot.refs(&format!("find {typed}")));
        assert_eq!(owner.first(), find.first(), "{typed}");
        assert!(!owner.is_empty(), "{typed}");
    }
}

#[test]
fn accounts_lead_to_people_and_all_groups_above_them() {
    let mut world = World::new();
    world
        .user("ana.silva")
        .annotate("steward.dev/slack-id", "U02ANA")
        .annotate("steward.dev/discord-id", "204118836450197504")
        .member_of("team-a");
    world.group("team-a").parent("department");
    world.group("department").parent("company");
    // Somebody's mistake must not hang anybody.
    world.group("company").parent("team-a");
    let catalog = world.catalog();
    let ana = EntityRef::new("user", "default", "ana.silva");
    assert_eq!(catalog.find_person_by_slack_id("U02ANA"), Some(&ana));
    assert_eq!(catalog.find_person_by_discord_id("204118836450197504"), Some(&ana));
    assert_eq!(catalog.find_person_by_name("Ana.Silva"), Some(&ana));
    assert_eq!(catalog.find_person_by_slack_id("U999"), None);
    let groups: Vec<String> = catalog.groups_of(&ana).iter().map(|group| group.name().to_owned()).collect();
    assert_eq!(groups, ["company", "department", "team-a"]);
}

#[test]
fn a_slack_mention_of_a_person_is_that_person() {
    let mut world = World::new();
    world.user("ana.silva").display_name("Ana Silva").annotate("steward.dev/slack-id", "U02ANA");
    let mut bot = world.bot();
    bot.account.platform = Platform::Slack;
    assert_eq!(bot.refs("owner <@U02ANA|ana>"), ["user:default/ana.silva"]);
}

#[test]
fn twenty_thousand_names_are_searched_in_no_time() {
    let mut world = World::new();
    let words = ["payments", "search", "ledger", "basket", "orders", "billing", "stock", "identity", "mail", "route"];
    for number in 0..20_000_usize {
        let (a, b) = (words[number % 10], words[number / 10 % 10]);
        world.component(&format!("{a}-{b}-{number}"));
    }
    let catalog = world.catalog();
    let quickest = |typed: &str| {
        (0..5)
            .map(|_| {
                let start = Instant::now();
                let answer = found(&catalog, typed);
                assert!(answer.contains("component:default/payments-search-10"), "{answer}");
                start.elapsed()
            })
            .min()
            .unwrap()
    };
    // Generous for a build without optimisation on a busy machine: it fails when a scan replaces the index.
    assert!(quickest("payments-search-10") < Duration::from_millis(2), "{:?}", quickest("payments-search-10"));
    assert!(quickest("paymetns-search-10") < Duration::from_millis(250), "{:?}", quickest("paymetns-search-10"));
}
