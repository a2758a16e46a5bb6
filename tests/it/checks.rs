//! What is found wrong with entries, said so that their owners know what to do.

use std::{collections::BTreeMap, sync::Arc};

use expect_test::{Expect, expect};
use steward::{
    catalog::{
        Authority, Catalog, EntityRef, Entry, Repository,
        live::{Coverage, OnCall, Undescribed},
    },
    hygiene::{
        check::{Facts, Finding, Rules, Severity, check_all, check_around, checks},
        estimate::estimate,
        fix::Way,
        kept::Kept,
        standing::{owner_of, owner_of_finding, stand},
    },
};

use crate::{
    sample::sample_catalog,
    world::{World, now},
};

fn lines(catalog: &Catalog, rules: &Rules) -> String {
    let (on_call, coverage) = (OnCall::default(), Coverage::default());
    let facts = Facts { catalog, on_call: &on_call, coverage: &coverage, rules, now: now() };
    let line =
        |finding: &Finding| format!("{} {} {} {}\n", finding.severity.as_str(), finding.check.id, finding.entity, finding.detail);
    check_all(&facts).iter().map(line).collect()
}

fn check(world: &World, expected: &Expect) {
    expected.assert_eq(&lines(&world.catalog(), &Rules::default()));
}

#[test]
fn an_api_whose_definition_says_nothing_has_none() {
    for (written, is_missing) in [
        ("openapi: 3.0.0\ninfo: {}", false),
        ("type Query { a: Int }", false),
        ("  \n", true),
        ("TODO", true),
        ("---\n# later\n{}\n", true),
        ("todo\nreally", false),
    ] {
        let mut world = World::new();
        world.group("ledger").annotate("steward.dev/channel", "#ledger");
        world.user("ana").member_of("ledger");
        world.add("API", "money").describe("Moves it.").owner("ledger").spec("definition", written).spec("type", "openapi");
        let found = lines(&world.catalog(), &Rules::default());
        let is_told = found.contains("medium definition-missing api:default/money has a definition that says nothing");
        assert_eq!(is_told, is_missing, "{written:?}: {found}");
    }
}

#[test]
fn owners_who_do_not_answer_are_found() {
    let mut world = World::new();
    world.group("ledger").annotate("steward.dev/channel", "#ledger");
    world.group("ghosts").annotate("steward.dev/channel", "#ghosts");
    world.user("ana").member_of("ledger");
    world.user("karen").annotate("steward.dev/left", "2026-03-01");
    world.group("dissolved").annotate("steward.dev/left", "2026-04-01").annotate("steward.dev/channel", "#dissolved");
    world.user("bo").member_of("dissolved");
    let owners = [
        ("good", "ledger"),
        ("haunted", "ghosts"),
        ("inherited", "dissolved"),
        ("lost", "nowhere"),
        ("personal", "user:default/karen"),
        ("upside-down", "component:default/good"),
    ];
    for (name, owner) in owners {
        world.component(name).describe("It works.").owner(owner).annotate("backstage.io/techdocs-ref", "dir:.");
        world.runbook(&format!("acme/{name}"), "runbook.md", "# Runbook");
    }
    world.component("orphaned").describe("Nobody knows.").depends_on("component:good");
    check(
        &world,
        &expect![[r#"
        critical owner-empty component:default/haunted is owned by ghosts, in which nobody is
        critical owner-left component:default/inherited is owned by dissolved, who is gone since 2026-04-01
        critical owner-unknown component:default/lost is owned by group:default/nowhere, which is not in the catalog
        critical owner-missing component:default/orphaned names no owner
        high runbook-missing component:default/orphaned is in production and has no runbook
        low docs-missing component:default/orphaned has no documentation
        critical owner-left component:default/personal is owned by karen, who is gone since 2026-03-01
        critical owner-unknown component:default/upside-down is owned by component:default/good, which is neither a team nor a person
    "#]],
    );
    // Whom a finding is said to be wrong of is whom it is not told to.
    let catalog = world.catalog();
    let asked = |name: &str| owner_of(&catalog, &EntityRef::new("component", "default", name)).map(|owner| owner.to_string());
    assert_eq!(asked("haunted").as_deref(), Some("group:default/ghosts"), "its channel may be read");
    for name in ["inherited", "lost", "personal", "upside-down"] {
        assert_eq!(asked(name), None, "{name}");
    }
}

#[test]
fn a_place_that_misleads_is_found() {
    let mut world = World::new();
    world.group("ledger").annotate("slack.com/channel", "#ledger");
    world.user("ana").member_of("ledger");
    world.add("System", "money").describe("Money.").owner("ledger");
    let mut component = |name: &str| {
        world.runbook(&format!("acme/{name}"), "runbook.md", "# Runbook");
        world.component(name).describe("It works.").owner("ledger").annotate("backstage.io/techdocs-ref", "dir:.");
    };
    component("old");
    component("leaning");
    component("closed");
    component("bent");
    component("loose");
    for thing in ["old", "leaning", "closed", "bent"] {
        world.find(thing).system("money");
    }
    world.find("old").spec("lifecycle", "deprecated");
    world.find("leaning").depends_on("component:old").depends_on("resource:nowhere");
    world.find("closed").archived();
    world.find("bent").broken_for(3, "line 4: spec.owner is missing");
    check(
        &world,
        &expect![[r#"
        high descriptor-invalid component:default/bent stands in a file with an error: line 4: spec.owner is missing
        high archived-production component:default/closed is in production, and acme/closed is archived
        medium reference-unknown component:default/leaning names resource:default/nowhere, which the catalog does not have
        medium depends-on-deprecated component:default/leaning leans on old, which is deprecated
        low system-missing component:default/loose is in no system
    "#]],
    );
}

#[test]
fn what_an_entry_leaves_out_is_found() {
    let mut world = World::new();
    world.group("ledger");
    world.user("ana").member_of("ledger");
    world.component("bare").owner("ledger");
    world.component("odd").owner("ledger").describe("Odd.").spec("lifecycle", "beta");
    world
        .component("excused")
        .owner("ledger")
        .annotate("steward.dev/exempt", "runbook-missing, docs-missing,description-missing");
    check(
        &world,
        &expect![[r#"
        high runbook-missing component:default/bare is in production and has no runbook
        low description-missing component:default/bare has no description
        low docs-missing component:default/bare has no documentation
        low lifecycle-unknown component:default/odd has the lifecycle “beta”, which is none of the agreed ones
        low docs-missing component:default/odd has no documentation
        medium team-without-channel group:default/ledger owns things and names no channel
    "#]],
    );
    let rules = Rules {
        types: ["library".to_owned()].into(),
        name: Some("^(?:acme-[a-z]+)$".parse().unwrap()),
        off: ["docs-missing".to_owned(), "team-without-channel".to_owned()].into(),
        ..Rules::default()
    };
    expect![[r#"
        high runbook-missing component:default/bare is in production and has no runbook
        low type-unknown component:default/bare has the type “service”, which is none of the agreed ones
        low name-rule component:default/bare is called “bare”
        low description-missing component:default/bare has no description
        low type-unknown component:default/excused has the type “service”, which is none of the agreed ones
        low name-rule component:default/excused is called “excused”
        low lifecycle-unknown component:default/odd has the lifecycle “beta”, which is none of the agreed ones
        low type-unknown component:default/odd has the type “service”, which is none of the agreed ones
        low name-rule component:default/odd is called “odd”
    "#]]
    .assert_eq(&lines(&world.catalog(), &rules));
}

#[test]
fn each_check_says_why_it_matters_and_what_to_do() {
    let all = checks();
    for check in all {
        assert!(check.why.ends_with('.') && check.fix.ends_with('.'), "{}", check.id);
        assert!(!check.title.ends_with('.'), "{}", check.id);
        assert_eq!(all.iter().filter(|other| other.id == check.id).count(), 1, "{}", check.id);
    }
    assert!(all.first().is_some_and(|check| check.severity == Severity::Critical));
}

fn by_id(findings: Vec<Finding>) -> BTreeMap<String, String> {
    findings.into_iter().map(|finding| (finding.key(), finding.detail)).collect()
}

/// Whatever is changed or removed, looking around it finds what looking at everything finds.
#[test]
fn looking_around_a_change_finds_what_looking_at_everything_finds() {
    let before = sample_catalog();
    let rules = Rules::default();
    let beside = (OnCall::default(), Coverage::default());
    fn facts<'a>(catalog: &'a Catalog, (on_call, coverage): &'a (OnCall, Coverage), rules: &'a Rules) -> Facts<'a> {
        Facts { catalog, on_call, coverage, rules, now: now() }
    }
    let known = by_id(check_all(&facts(&before, &beside, &rules)));
    assert!(known.len() > 20, "{}", known.len());
    let refs: Vec<EntityRef> = before.entries().iter().map(|entry| entry.entity.entity_ref.clone()).collect();
    for (at, changed) in refs.iter().enumerate() {
        let mut parts = before.parts().clone();
        if at % 2 == 0 {
            parts.claims.retain(|claim| claim.entity.entity_ref != *changed);
        } else {
            for claim in parts.claims.iter_mut().filter(|claim| claim.entity.entity_ref == *changed) {
                let mut entry = Entry::clone(claim);
                entry.entity.relations.clear();
                entry.entity.annotations.clear();
                entry.entity.lifecycle = Some("deprecated".to_owned());
                *claim = Arc::new(entry);
            }
        }
        let after = before.with_parts(parts);
        // Those that named it before are looked at by what they name now; those it named, by what it named before.
        let mut seeds = vec![changed.clone()];
        seeds.extend(
            before.find(changed).into_iter().flat_map(|entry| entry.entity.relations.iter().map(|edge| edge.target.clone())),
        );
        let (around, found) = check_around(&seeds, &facts(&after, &beside, &rules));
        let mut carried = known.clone();
        carried.retain(|id, _| {
            !around.iter().any(|entity| {
                id.ends_with(&format!(":{entity}")) && id.split_once(':').is_some_and(|(_, of)| of == entity.as_str())
            })
        });
        carried.extend(by_id(found));
        assert_eq!(carried, by_id(check_all(&facts(&after, &beside, &rules))), "after a change of {changed}");
    }
}

fn undescribed(full_name: &str, days_ago: i64) -> Arc<Undescribed> {
    let mut repository = Repository::without_git(1, full_name.to_owned(), None, Authority::Descriptor);
    repository.pushed_at = Some(now() - chrono::TimeDelta::days(days_ago));
    Arc::new(Undescribed { source: "acme".to_owned(), repository, consumers: 0 })
}

#[test]
fn what_nobody_has_described_is_found_once_and_only_while_somebody_works_on_it() {
    let mut world = World::new();
    world.group("team-a");
    world.component("till").owner("team-a");
    let catalog = world.catalog();
    let names = ["acme/wish-list", "acme/till", "acme-labs/wish-list", "acme/Attic", "acme/old", "acme/money-sdk"];
    let days = [1, 2, 3, 180, 181, 4];
    let known = names.iter().zip(days).map(|(name, days)| undescribed(name, days)).collect();
    let coverage = Coverage { undescribed: Some(known), ..Coverage::default() };
    let (on_call, mut rules) = (OnCall::default(), Rules::default());
    let found = |rules: &Rules| {
        let facts = Facts { catalog: &catalog, on_call: &on_call, coverage: &coverage, rules, now: now() };
        let of_repositories = check_all(&facts).into_iter().filter(|finding| finding.repository().is_some());
        let line = |finding: Finding| {
            format!("{} {}: {} {}", finding.severity.as_str(), finding.key(), finding.name(&catalog), finding.detail)
        };
        of_repositories.map(line).collect::<Vec<_>>()
    };
    let wanted = [
        "medium descriptor-missing:component:default/wish-list: acme/wish-list has no catalog-info.yaml; it was pushed to on 20 November",
        "medium descriptor-missing:component:default/attic: acme/Attic has no catalog-info.yaml; it was pushed to on 25 May",
    ];
    assert_eq!(found(&rules), wanted);
    rules.severities.insert("descriptor-missing".to_owned(), Severity::High);
    assert!(found(&rules).iter().all(|line| line.starts_with("high ")));
    rules.off.insert("descriptor-missing".to_owned());
    assert_eq!(found(&rules), Vec::<String>::new());
}

#[test]
fn what_is_kept_follows_the_catalog_and_what_is_known_of_repositories() {
    let (on_call, rules) = (OnCall::default(), Rules::default());
    let known = |names: &[&str]| Coverage {
        undescribed: Some(names.iter().map(|name| undescribed(name, 1)).collect()),
        ..Coverage::default()
    };
    let mut world = World::new();
    world.group("team-a");
    world.component("lone").owner("team-a");
    let before = Arc::new(world.catalog());
    let facts = |catalog, coverage| Facts { catalog, on_call: &on_call, coverage, rules: &rules, now: now() };
    let keys = |kept: &Kept| {
        let missing = kept.findings().filter(|finding| finding.check.id == "descriptor-missing");
        missing.map(|finding| finding.entity.name().to_owned()).collect::<Vec<_>>()
    };
    let first = known(&["acme/till", "acme/wish-list"]);
    let mut kept = Kept::of(Arc::clone(&before), &facts(&before, &first));
    let others = kept.findings().count() - 2;
    assert_eq!(keys(&kept), ["till", "wish-list"]);
    // It is in the catalog before its repository is known to be described.
    world.component("till").owner("team-a");
    let after = Arc::new(world.catalog());
    kept.follow(Arc::clone(&after), &facts(&after, &first));
    assert_eq!(keys(&kept), ["wish-list"]);
    let second = known(&["acme/loyalty", "acme/wish-list"]);
    kept.follow(Arc::clone(&after), &facts(&after, &second));
    assert_eq!(keys(&kept), ["loyalty", "wish-list"]);
    kept.follow(Arc::clone(&before), &facts(&before, &Coverage::default()));
    assert_eq!((keys(&kept).len(), kept.findings().count()), (0, others));
}

#[test]
fn a_secret_is_found_by_its_shape_or_by_the_name_of_its_place() {
    let of_30_bytes = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzAbCdEfGhIj";
    for (key, value, is_one) in [
        ("example.com/password", "hunter2hunter2", true),
        ("example.com/db.password", "hunter2hunter2", true),
        ("example.com/aws-secret-access-key", &of_30_bytes[..40], true),
        ("example.com/anything", concat!("eyJhbGciOiJIUzI1NiJ9", ".", "eyJzdWIiOiIxMjM0In0", ".", "c2lnbmF0dXJlLW9m"), true),
        ("example.com/password-store", "hunter2hunter2", false),
        ("example.com/password", "REPLACE_ME", false),
        ("example.com/password", "${DB_PASSWORD_1}", false),
        ("example.com/secret", "projects/42/secrets/payments", false),
        ("example.com/secret", "vault:payments2", false),
        ("pagerduty.com/integration-key", "0123456789abcdef0123456789abcdef", false),
        ("example.com/mytoken", "abcdefg1", false),
    ] {
        let mut world = World::new();
        world.component("cart").owner("ledger").annotate(key, value);
        let found = lines(&world.catalog(), &Rules::default());
        assert_eq!(found.contains(" secret component:default/cart holds what looks like "), is_one, "{key}: {value}: {found}");
        assert!(!found.contains(value), "it is not repeated");
    }
}

#[test]
fn a_document_that_never_was_valid_is_found_by_what_it_would_be_or_by_its_file() {
    let (on_call, coverage, rules) = (OnCall::default(), Coverage::default(), Rules::default());
    let mut world = World::new();
    world.group("team-a");
    world.user("ana").member_of("team-a");
    world.component("till").owner("team-a");
    let before = Arc::new(world.catalog());
    world.never_valid("acme/gifts", 7, "spec.owner is missing; add owner: team-a", Some("gift-cards"), None);
    world.never_valid("acme/jobs", 9, "spec.lifecycle is missing", Some("jobs"), Some("team-a"));
    world.never_valid("acme/lost", 3, "spec.type is missing.", Some("lost"), Some("nowhere"));
    world.never_valid("acme/new-till", 2, "spec is missing", Some("till"), None);
    world.never_valid("acme/scrap", 4, "a tab stands in the indentation", None, None);
    // Its last good version answers, which is told of the entry.
    world.broken("acme/till", 3, "spec.owner is missing");
    let after = Arc::new(world.catalog());
    let facts = |catalog| Facts { catalog, on_call: &on_call, coverage: &coverage, rules: &rules, now: now() };
    let line = |finding: &Finding| {
        let owner = owner_of_finding(&after, finding).map_or_else(|| "nobody".to_owned(), |owner| owner.to_string());
        format!("{owner}: {} | {} {}\n", finding.key(), finding.name(&after), finding.detail)
    };
    let invalid = |findings: Vec<&Finding>| {
        findings.into_iter().filter(|finding| finding.check.id == "descriptor-invalid").map(line).collect::<String>()
    };
    let all = check_all(&facts(&after));
    let found = invalid(all.iter().collect());
    expect![[r#"
        nobody: descriptor-invalid:document:acme-new-till/catalog-info.yaml-0-2bfedaba | till (acme/new-till/catalog-info.yaml) is not in the catalog (line 2: spec is missing)
        nobody: descriptor-invalid:document:acme-scrap/catalog-info.yaml-0-f2c0bedc | acme/scrap/catalog-info.yaml is not in the catalog (line 4: a tab stands in the indentation)
        nobody: descriptor-invalid:component:default/gift-cards | gift-cards (acme/gifts/catalog-info.yaml) is not in the catalog (line 7: spec.owner is missing; add owner: team-a)
        group:default/team-a: descriptor-invalid:component:default/jobs | jobs (acme/jobs/catalog-info.yaml) is not in the catalog (line 9: spec.lifecycle is missing)
        nobody: descriptor-invalid:component:default/lost | lost (acme/lost/catalog-info.yaml) is not in the catalog (line 3: spec.type is missing)
    "#]]
    .assert_eq(&found);
    let mut kept = Kept::of(Arc::clone(&before), &facts(&before));
    let others = kept.findings().count();
    kept.follow(Arc::clone(&after), &facts(&after));
    assert_eq!(invalid(kept.findings().collect()), found);
    kept.follow(Arc::clone(&before), &facts(&before));
    assert_eq!(kept.findings().count(), others, "they are closed by themselves");
    // None of the entries is wrong by it.
    let standing = stand(&after, all, &BTreeMap::new(), &BTreeMap::new());
    let counted = estimate(&after, &standing, &[], &BTreeMap::new(), now());
    assert_eq!((counted.others, counted.others_wrong), (1, 0));
}

#[test]
fn what_nothing_uses_and_no_system_holds_is_found() {
    let mut world = World::new();
    world.group("team-a").annotate("steward.dev/channel", "#a");
    world.user("ana").member_of("team-a");
    world.add("System", "money").describe("Money.").owner("team-a");
    let kinds =
        [("Resource", "left-over"), ("Resource", "needed"), ("Resource", "held"), ("API", "forgotten"), ("API", "served")];
    for (kind, name) in kinds {
        world.add(kind, name).describe("Some.").owner("team-a").spec("lifecycle", "production").spec("type", "openapi");
    }
    // What it needs itself keeps nothing in use.
    world.find("left-over").depends_on("resource:needed");
    world.find("held").system("money");
    world.component("alone").owner("team-a").depends_on("resource:needed").provides("served");
    let found = lines(&world.catalog(), &Rules::default());
    let orphans: Vec<&str> = found.lines().filter(|line| line.contains(" orphan ")).collect();
    assert_eq!(
        orphans,
        [
            "low orphan api:default/forgotten is in no system, and nothing uses it",
            "low orphan resource:default/left-over is in no system, and nothing uses it",
        ]
    );
}

#[test]
fn a_runbook_that_is_named_and_not_there_is_none_once_it_was_looked_for() {
    let (on_call, rules) = (OnCall::default(), Rules::default());
    let mut world = World::new();
    world.group("team-a");
    let named = [
        ("absent", "docs/nothere.md"),
        ("abroad", "https://wiki.acme.example/run"),
        ("anchored", "docs/all.md#this"),
        ("folder", "runbooks"),
        ("there", "docs/there.md"),
        ("usual", "docs/nothere.md"),
    ];
    for (name, runbook) in named {
        world.component(name).owner("team-a").annotate("steward.dev/runbook", runbook);
    }
    world.runbook("acme/folder", "runbooks/failover.md", "# Failover");
    world.runbook("acme/there", "docs/there.md", "# There");
    world.runbook("acme/usual", "docs/runbook.md", "# Usual");
    let catalog = world.catalog();
    let missing = |coverage: &Coverage| {
        let facts = Facts { catalog: &catalog, on_call: &on_call, coverage, rules: &rules, now: now() };
        let found = check_all(&facts).into_iter().filter(|finding| finding.check.id == "runbook-missing");
        found.map(|finding| format!("{} {}", finding.entity.name(), finding.detail)).collect::<Vec<_>>()
    };
    assert_eq!(missing(&Coverage::default()), Vec::<String>::new(), "nobody has looked yet");
    let read = catalog.entries().iter().map(|entry| (entry.origin.source.to_string(), entry.origin.repository_id));
    let coverage = Coverage { documents_read: Some(read.collect()), ..Coverage::default() };
    assert!(!Coverage::default().judges_entries_as(&coverage));
    assert_eq!(missing(&coverage), ["absent names docs/nothere.md as its runbook, which is not in acme/absent"]);
}

#[test]
fn fix_is_offered_only_where_a_form_can_mend_it() {
    let mut world = World::new();
    world.group("team-a");
    world.component("old").owner("team-a").spec("lifecycle", "deprecated");
    world.component("leaning").owner("team-a").depends_on("component:old").depends_on("resource:nowhere");
    world.component("closed").owner("team-b").archived();
    world.component("bent").owner("team-a").broken_for(3, "line 4: spec.owner is missing");
    world.never_valid("acme/gifts", 7, "spec.owner is missing", Some("gift-cards"), None);
    let catalog = world.catalog();
    let (on_call, coverage, rules) = (OnCall::default(), Coverage::default(), Rules::default());
    let facts = Facts { catalog: &catalog, on_call: &on_call, coverage: &coverage, rules: &rules, now: now() };
    let way = |finding: &Finding| match Way::of(&catalog, finding) {
        Some(Way::Form) => "form",
        Some(Way::File(url)) if url.starts_with("https://") => "file",
        Some(Way::Describe(_) | Way::Entry(_) | Way::File(_)) | None => "other",
    };
    let ways: BTreeMap<String, &str> = check_all(&facts).iter().map(|found| (found.key(), way(found))).collect();
    for (key, expected) in [
        ("reference-unknown:component:default/leaning", "file"),
        ("depends-on-deprecated:component:default/leaning", "file"),
        ("descriptor-invalid:component:default/bent", "file"),
        ("descriptor-invalid:component:default/gift-cards", "file"),
        ("runbook-missing:component:default/leaning", "form"),
        // What is archived cannot be changed.
        ("owner-unknown:component:default/closed", "file"),
        ("archived-production:component:default/closed", "file"),
    ] {
        assert_eq!(ways.get(key), Some(&expected), "{key}: {ways:?}");
    }
}
