//! Search finds what people mean: a set of questions over the sample organisation, each with what it is about.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use steward::{
    app::Clock,
    catalog::{Catalog, Parts, kinds::CustomKinds},
    directory::DirectorySource,
    search::SearchIndex,
    settings::catalog_paths,
    sync::{Elsewhere, Source, read_without_store},
};

use crate::{bot::morning, world::Bot};

/// What some were called before, as a store would know.
const FORMER_NAMES: [(&str, &str); 6] = [
    ("component:default/checkout", "cash-register"),
    ("component:default/ledger", "bookkeeper"),
    ("component:default/notification-service", "mailer"),
    ("component:default/shipping-service", "parcel-desk"),
    ("component:default/reviews", "stargazer"),
    ("component:default/fraud-scoring", "scorecard"),
];

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

async fn sample() -> Parts {
    let directory = DirectorySource { path: folder("org"), catalog_paths: catalog_paths() };
    let source = Source::Directory { id: "acme".to_owned(), directory };
    let now = Clock::fixed(morning()).now();
    let read = read_without_store(&source, &CustomKinds::default(), &Elsewhere::default(), now).await;
    let mut parts = read.expect("the fixtures can be read");
    for claim in &mut parts.claims {
        let formerly = FORMER_NAMES.iter().find(|(now, _)| *now == claim.entity.entity_ref.as_str());
        if let Some((_, former)) = formerly {
            Arc::make_mut(claim).entity.former_names.push((*former).to_owned());
        }
    }
    parts
}

/// A chat over the sample organisation and its search index.
pub fn sample_bot() -> Bot {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let catalog = Arc::new(Catalog::build(runtime.block_on(sample())));
    let search = SearchIndex::in_memory();
    search.build(&catalog).expect("memory holds it");
    let mut bot = Bot::new(Catalog::clone(&catalog));
    bot.app.search = search;
    bot
}

#[test]
fn the_right_one_is_first_for_95_of_100_questions() {
    let bot = sample_bot();
    let text = std::fs::read_to_string(folder("search/judged.tsv")).unwrap();
    let (mut all, mut first, mut top, mut reciprocal) = (0_u32, 0_u32, 0_u32, 0.0);
    let mut classes: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    let mut missed = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let [class, query, right] = <[&str; 3]>::try_from(line.split('\t').collect::<Vec<_>>()).expect("three columns");
        let right: Vec<String> = right.split('|').map(full).collect();
        let refs = bot.refs(&format!("find {query}"));
        let place = refs.iter().position(|found| right.contains(found));
        all += 1;
        let counts = classes.entry(class).or_default();
        counts.0 += 1;
        if let Some(place) = place {
            reciprocal += 1.0 / (place as f64 + 1.0);
            top += u32::from(place < 3);
            first += u32::from(place == 0);
            counts.1 += u32::from(place == 0);
        }
        if place != Some(0) {
            let shown: Vec<&String> = refs.iter().take(3).collect();
            missed.push(format!("{class}: {query}: {place:?} {right:?}, got {shown:?}"));
        }
    }
    let share = |number: u32| 100.0 * f64::from(number) / f64::from(all);
    println!("{all} questions: first {:.1} %, top three {:.1} %, MRR {:.3}", share(first), share(top), reciprocal / f64::from(all));
    println!("{classes:?}\n{}", missed.join("\n"));
    assert!(all >= 200, "{all} questions");
    assert!(share(first) >= 95.0 && share(top) >= 99.0, "first {:.1} %, top three {:.1} %:\n{}", share(first), share(top), missed.join("\n"));
}

/// `component:payments-api` is of the default namespace.
fn full(short: &str) -> String {
    match short.split_once(':') {
        Some((kind, name)) if !name.contains('/') => format!("{kind}:default/{name}"),
        _ => short.to_owned(),
    }
}
