//! What finding out what is wrong costs with 20,000 entities: all of it, and after one change; on one core, in this process.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;
use steward::{
    catalog::{
        Authority, Catalog, Entity, EntityRef, Entry, Origin, Parts, Relation, RelationType, Repository, Runbook,
        live::{Coverage, OnCall, Undescribed},
    },
    hygiene::{
        check::{Facts, Finding, Rules, check_all},
        kept::Kept,
    },
};

/// Changes measured one by one.
const CHANGES: usize = 200;

/// Measured so often; the median counts.
const RUNS: usize = 9;

/// Twenty to a repository: a team, and services that lean on one another, of which some lack something.
fn entry(number: usize, total: usize, description: Option<&str>) -> Arc<Entry> {
    let repository = number / 20;
    let team = EntityRef::parse(&format!("group:default/team-{repository}"), None, "default").expect("a reference");
    let is_team = number.is_multiple_of(20);
    let relate = |relation_type, target| Relation { relation_type, target };
    let service =
        |number: usize| EntityRef::parse(&format!("component:default/service-{number}"), None, "default").expect("a reference");
    let (full, document, relations) = if is_team {
        let annotations = json!({ "steward.dev/channel": format!("#team-{repository}") });
        let document = json!({ "kind": "Group", "metadata": { "name": team.name(), "annotations": annotations } });
        (team, document, vec![relate(RelationType::HasMember, person(repository))])
    } else {
        let lacks = |one_in: usize| number % one_in == 1;
        let mut annotations = json!({ "backstage.io/techdocs-ref": "dir:." });
        if !lacks(11) {
            annotations["steward.dev/runbook"] = json!("docs/runbook.md");
        }
        let description =
            description.map(str::to_owned).or((!lacks(7)).then(|| format!("Does what service {number} has to do.")));
        let document = json!({
            "kind": "Component",
            "metadata": { "name": format!("service-{number}"), "description": description, "annotations": annotations },
            "spec": { "type": "service", "lifecycle": if lacks(13) { "running" } else { "production" } },
        });
        let owner = if lacks(17) { service(0) } else { team };
        let relations = vec![
            relate(RelationType::OwnedBy, owner),
            relate(RelationType::DependsOn, service((number * 7) % total)),
            relate(RelationType::DependsOn, service(number.saturating_sub(1))),
        ];
        (service(number), document, relations)
    };
    let origin = origin(repository);
    Arc::new(Entry { entity: Entity::from_document(full, &document, relations), origin, problem: None })
}

fn person(repository: usize) -> EntityRef {
    EntityRef::parse(&format!("user:default/person-{repository}"), None, "default").expect("a reference")
}

fn origin(repository: usize) -> Origin {
    Origin {
        source: "acme".into(),
        repository_id: repository as i64,
        repository: format!("acme/repo-{repository}").into(),
        repository_url: None,
        archived: false,
        language: None,
        authority: Default::default(),
        path: "catalog-info.yaml".into(),
        commit: None,
        committed_at: Some(chrono::Utc::now() - chrono::TimeDelta::days(30)),
    }
}

fn undescribed(number: usize) -> Arc<Undescribed> {
    let mut repository = Repository::without_git(number as i64, format!("acme/repo-{number}"), None, Authority::Descriptor);
    repository.pushed_at = Some(chrono::Utc::now() - chrono::TimeDelta::days((number % 200) as i64));
    Arc::new(Undescribed { source: "acme".to_owned(), repository, consumers: 0 })
}

pub fn measure(entities: usize) {
    let people = entities / 21;
    let claims: Vec<Arc<Entry>> = (0..entities - people)
        .map(|number| entry(number, entities, None))
        .chain((0..people).map(|number| {
            let document = json!({ "kind": "User", "metadata": { "name": format!("person-{number}") } });
            Arc::new(Entry {
                entity: Entity::from_document(person(number), &document, Vec::new()),
                origin: origin(number),
                problem: None,
            })
        }))
        .collect();
    let runbooks =
        (0..people).step_by(3).map(|number| Arc::new(Runbook { origin: origin(number), text: "# Runbook".to_owned() }));
    let parts = Parts { claims, runbooks: runbooks.collect(), version: 1, ..Parts::default() };
    let catalog = Arc::new(Catalog::build(parts));
    // A fifth as many repositories again that nobody has described.
    let undescribed = (people..people + people / 5).map(undescribed).collect();
    let beside = Beside { coverage: Coverage { undescribed: Some(undescribed), ..Coverage::default() }, ..Beside::default() };
    let mut all: Vec<Duration> = (0..RUNS).map(|_| timed(|| check_all(&facts(&catalog, &beside)))).collect();
    let found = check_all(&facts(&catalog, &beside)).len();
    all.sort_unstable();
    println!(
        "all checks of {} entities: median {:.1} ms, slowest {:.1} ms; {found} findings",
        catalog.entries().len(),
        millis(all[RUNS / 2]),
        millis(all[RUNS - 1])
    );
    let mut kept = Kept::of(Arc::clone(&catalog), &facts(&catalog, &beside));
    let mut current = catalog;
    let mut took = Vec::with_capacity(CHANGES);
    for change in 0..CHANGES {
        let number = (change * 97) % (entities - people);
        let mut parts = current.parts().clone();
        let changed = entry(number, entities, Some(&format!("Described for the {change}th time.")));
        let at = parts.claims.iter().position(|claim| claim.entity.entity_ref == changed.entity.entity_ref);
        parts.claims[at.expect("it is there")] = changed;
        parts.version += 1;
        let next = Arc::new(current.with_parts(parts));
        took.push(timed(|| kept.follow(Arc::clone(&next), &facts(&next, &beside))));
        current = next;
    }
    let mut whole: Vec<String> = check_all(&facts(&current, &beside)).iter().map(Finding::key).collect();
    let mut followed: Vec<String> = kept.findings().map(Finding::key).collect();
    whole.sort_unstable();
    followed.sort_unstable();
    assert!(whole == followed, "what was followed is not what a look at everything finds");
    took.sort_unstable();
    println!(
        "after one change: median {:.2} ms, slowest of {CHANGES} {:.2} ms",
        millis(took[CHANGES / 2]),
        millis(took[CHANGES - 1])
    );
}

/// What checks look at besides the catalog.
#[derive(Default)]
struct Beside {
    on_call: OnCall,
    coverage: Coverage,
    rules: Rules,
}

fn facts<'a>(catalog: &'a Catalog, beside: &'a Beside) -> Facts<'a> {
    let Beside { on_call, coverage, rules } = beside;
    Facts { catalog, on_call, coverage, rules, now: chrono::Utc::now() }
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let began = Instant::now();
    std::hint::black_box(work());
    began.elapsed()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
