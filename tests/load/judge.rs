//! How well search finds what people mean, over two organisations: shared by the tests and the benchmark.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use steward::{
    app::Clock,
    catalog::{Catalog, Parts, kinds::CustomKinds},
    directory::DirectorySource,
    search::SearchIndex,
    settings::catalog_paths,
    sync::{Elsewhere, Source, read_without_store},
};

/// An organisation and what is asked there, under `fixtures/`.
pub struct Company {
    called: &'static str,
    org: &'static str,
    questions: &'static str,
    /// What some were called before, as a store would know.
    former_names: &'static [(&'static str, &'static str)],
}

/// The organisation of the demo.
pub const SAMPLE: Company = Company {
    called: "the sample organisation",
    org: "org",
    questions: "search/judged.tsv",
    former_names: &[
        ("component:default/checkout", "cash-register"),
        ("component:default/ledger", "bookkeeper"),
        ("component:default/notification-service", "mailer"),
        ("component:default/shipping-service", "parcel-desk"),
        ("component:default/reviews", "stargazer"),
        ("component:default/fraud-scoring", "scorecard"),
    ],
};

/// One that the ranker was not made with: its questions were written before the first answer was seen.
pub const BANK: Company = Company {
    called: "a bank",
    org: "search/bank",
    questions: "search/bank.tsv",
    former_names: &[
        ("component:default/general-ledger", "moneybin"),
        ("component:default/netbank", "ebanking-portal"),
        ("component:default/credit-scoring", "credit-check"),
    ],
};

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// An organisation and its index.
pub async fn read(company: &Company) -> (Arc<Catalog>, SearchIndex) {
    let directory = DirectorySource { path: folder(company.org), catalog_paths: catalog_paths(), layout: Default::default() };
    let source = Source::Directory { id: "acme".to_owned(), directory };
    let now = Clock::System.now();
    let read = read_without_store(&source, &CustomKinds::default(), &Elsewhere::default(), now).await;
    let mut parts: Parts = read.expect("the fixtures can be read");
    for claim in &mut parts.claims {
        let formerly = company.former_names.iter().find(|(now, _)| *now == claim.entity.entity_ref.as_str());
        if let Some((_, former)) = formerly {
            Arc::make_mut(claim).entity.former_names.push((*former).to_owned());
        }
    }
    let catalog = Arc::new(Catalog::build(parts));
    let search = SearchIndex::in_memory();
    search.build(&catalog).expect("memory holds it");
    (catalog, search)
}

/// What came of all questions.
#[derive(Debug, Default)]
pub struct Judged {
    called: &'static str,
    pub all: u32,
    pub first: u32,
    pub top_three: u32,
    reciprocal: f64,
    /// Questions and how many were first.
    pub classes: BTreeMap<String, (u32, u32)>,
    pub missed: Vec<String>,
}

impl Judged {
    pub fn share(&self, number: u32) -> f64 {
        100.0 * f64::from(number) / f64::from(self.all)
    }

    pub fn line(&self) -> String {
        format!(
            "{} questions over {}: the right one first for {:.1} %, in the top three for {:.1} %, MRR {:.3}",
            self.all,
            self.called,
            self.share(self.first),
            self.share(self.top_three),
            self.reciprocal / f64::from(self.all)
        )
    }
}

/// Asks every question; `refs` gives what is shown for words, best first.
pub fn judge(company: &Company, refs: impl Fn(&str) -> Vec<String>) -> Judged {
    let text = std::fs::read_to_string(folder(company.questions)).expect("the judged set is there");
    let mut judged = Judged { called: company.called, ..Judged::default() };
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let [class, query, right] = <[&str; 3]>::try_from(line.split('\t').collect::<Vec<_>>()).expect("three columns");
        let right: Vec<String> = right.split('|').map(full).collect();
        let found = refs(query);
        let place = found.iter().position(|found| right.contains(found));
        judged.all += 1;
        let counts = judged.classes.entry(class.to_owned()).or_default();
        counts.0 += 1;
        if let Some(place) = place {
            judged.reciprocal += 1.0 / (place as f64 + 1.0);
            judged.top_three += u32::from(place < 3);
            judged.first += u32::from(place == 0);
            counts.1 += u32::from(place == 0);
        }
        if place != Some(0) {
            let shown: Vec<&String> = found.iter().take(3).collect();
            judged.missed.push(format!("{class}: {query}: {right:?} is at {place:?}; shown were {shown:?}"));
        }
    }
    judged
}

/// `component:payments-api` is of the default namespace.
fn full(short: &str) -> String {
    match short.split_once(':') {
        Some((kind, name)) if !name.contains('/') => format!("{kind}:default/{name}"),
        _ => short.to_owned(),
    }
}
