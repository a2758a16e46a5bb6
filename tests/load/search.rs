//! What search costs with 20,000 entities and 20,000 documents, and how well it finds, in this process.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;
use steward::{
    app::{App, CatalogHandle, Clock},
    catalog::{Catalog, Entity, EntityRef, Entry, Origin, Page, Parts, Relation, RelationType},
    chat::{Account, Act, Platform, Request, Response},
    commands::{load_definitions, respond},
    outbox::Outbox,
    search::{Documents, SearchIndex},
    settings::Settings,
    store::Store,
};

use crate::judge;

const WORDS: [&str; 48] = [
    "payment",
    "order",
    "cart",
    "ledger",
    "invoice",
    "parcel",
    "label",
    "stock",
    "price",
    "voucher",
    "customer",
    "merchant",
    "session",
    "token",
    "login",
    "cache",
    "queue",
    "stream",
    "topic",
    "event",
    "metric",
    "alert",
    "deploy",
    "rollback",
    "failover",
    "replica",
    "backup",
    "restore",
    "schema",
    "index",
    "search",
    "rank",
    "feed",
    "import",
    "export",
    "report",
    "mail",
    "push",
    "template",
    "image",
    "resize",
    "upload",
    "gateway",
    "proxy",
    "certificate",
    "secret",
    "rotate",
    "quota",
];

/// Words that documents are written with; as in any language a few of them are most of a text.
const VOCABULARY: usize = 20_000;

/// The words of a text: the first ones are those that names are made of, the rest is made of syllables.
fn text_word(rank: usize) -> String {
    if let Some(word) = WORDS.get(rank) {
        return (*word).to_owned();
    }
    const HEADS: [&str; 16] = ["b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "st", "tr", "pl"];
    const TAILS: [&str; 10] = ["a", "e", "i", "o", "u", "an", "er", "ing", "os", "al"];
    let mut rest = rank;
    let mut word = String::new();
    for _ in 0..3 {
        word.push_str(HEADS[rest % HEADS.len()]);
        rest /= HEADS.len();
        word.push_str(TAILS[rest % TAILS.len()]);
        rest /= TAILS.len();
    }
    word
}

/// A rank as Zipf's law has it: each next power of ten is used as much as the one before.
fn rank(seed: usize) -> usize {
    let mixed = (seed as u64).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let share = (mixed >> 11) as f64 / (1_u64 << 53) as f64;
    ((VOCABULARY as f64).powf(share) as usize).min(VOCABULARY - 1)
}

fn word(number: usize) -> &'static str {
    WORDS[(number * 2_654_435_761) % WORDS.len()]
}

/// Names as companies have them: two words and a number that tells them apart.
fn name(number: usize) -> String {
    format!("{}-{}-{number}", word(number), word(number / 7 + 13))
}

fn entry(number: usize) -> Arc<Entry> {
    let name = name(number);
    let document = json!({
        "kind": "Component",
        "metadata": {
            "name": name,
            "title": format!("{} {}", word(number), word(number / 7 + 13)),
            "description": format!("Keeps every {} of the {} until the {} is done, for shop {number}.", word(number + 3), word(number + 11), word(number / 3)),
            "tags": [word(number + 5), "java"],
            "annotations": {},
        },
        "spec": { "type": if number.is_multiple_of(3) { "library" } else { "service" }, "lifecycle": "production" },
    });
    let relations = vec![Relation {
        relation_type: RelationType::OwnedBy,
        target: EntityRef::new("group", "default", &format!("team-{}", number / 20)),
    }];
    let entity = Entity::from_document(EntityRef::new("component", "default", &name), &document, relations);
    let origin = Origin {
        source: "load".into(),
        repository_id: number as i64,
        repository: format!("acme/{name}").into(),
        repository_url: Some(format!("https://github.example/acme/{name}").into()),
        archived: false,
        language: Some("Java".into()),
        authority: Default::default(),
        path: "catalog-info.yaml".into(),
        commit: Some("3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4".into()),
        committed_at: None,
    };
    Arc::new(Entry { entity, origin, problem: None })
}

/// About 2.5 KB under four headings, of a vocabulary as large as that of a company.
fn document(number: usize) -> Page {
    let mut text = format!("# {} {}\n\n", word(number), word(number + 1));
    for section in 0..4 {
        text.push_str(&format!("## {} the {}\n\n", word(number + section), word(number * 3 + section)));
        for at in 0..90 {
            text.push_str(&text_word(rank(number * 1_009 + section * 101 + at)));
            text.push_str(if at % 12 == 11 { ".\n" } else { " " });
        }
        text.push_str(&format!("\n\n```\nkubectl rollout undo deploy/{}\n```\n\n", name(number)));
    }
    Page {
        source: "load".to_owned(),
        repository_id: number as i64,
        repository: format!("acme/{}", name(number)),
        path: "docs/index.md".to_owned(),
        commit: Some("3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4".to_owned()),
        text,
    }
}

/// Prints the figures.
pub async fn measure(folder: &Path, number: usize, rate: u64, seconds: u64) {
    for company in [judge::SAMPLE, judge::BANK] {
        let (catalog, index) = judge::read(&company).await;
        let app = app(&catalog, index);
        let handle = tokio::runtime::Handle::current();
        let refs = |query: &str| tokio::task::block_in_place(|| handle.block_on(ask(&app, &format!("find {query}"))));
        println!("{}", judge::judge(&company, refs).line());
    }

    let catalog = Arc::new(Catalog::build(Parts { claims: (0..number).map(entry).collect(), version: 1, ..Parts::default() }));
    println!("memory with {number} entities, before the index: {}", memory());
    let search = SearchIndex::at(folder);
    let began = Instant::now();
    search.begin(&catalog).expect("the folder can be written");
    for from in (0..number).step_by(50) {
        let batch: Vec<Page> = (from..(from + 50).min(number)).map(document).collect();
        search.add_documents(&batch).expect("the folder can be written");
    }
    search.commit(&catalog, Documents::Complete).expect("the folder can be written");
    println!(
        "index of {number} entities and {number} documents: built in {:.1} s, {:.0} MB on disk, memory {}",
        began.elapsed().as_secs_f64(),
        size(&folder.join("search")) as f64 / 1_048_576.0,
        memory()
    );
    let mut changed: Vec<Arc<Entry>> = catalog.entries().to_vec();
    let mut other = Entry::clone(&changed[7]);
    other.entity.description = Some("Hippopotamus".to_owned());
    changed[7] = Arc::new(other);
    let next = Arc::new(catalog.with_parts(Parts { claims: changed, version: 2, ..Parts::default() }));
    let began = Instant::now();
    search.begin(&next).expect("the folder can be written");
    search.commit(&next, Documents::Complete).expect("the folder can be written");
    println!("one changed entity found after {} ms", began.elapsed().as_millis());

    let app = Arc::new(self::app(&next, search));
    assert_eq!(ask(&app, "find hippopotamus").await.first(), Some(&next.entries()[7].entity.entity_ref.to_string()));
    for (what, queries) in queries(number) {
        let answers = load(&app, &queries, rate, seconds).await;
        let mut latencies: Vec<Duration> = answers.iter().map(|(_, latency)| *latency).collect();
        latencies.sort_unstable();
        let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0;
        println!(
            "/find {what} at {rate} a second for {seconds} s: p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms; memory {}",
            at(0.5),
            at(0.99),
            at(1.0),
            memory()
        );
        println!("    slowest by their medians: {}", slowest(&queries, answers));
    }
}

/// The three queries that are slow whenever they are asked, and not because others were answered at that moment.
fn slowest(queries: &[String], answers: Vec<(usize, Duration)>) -> String {
    let mut each = vec![Vec::new(); queries.len()];
    for (query, latency) in answers {
        each[query].push(latency);
    }
    let mut medians: Vec<(Duration, &String)> = Vec::new();
    for (mut latencies, query) in each.into_iter().zip(queries).filter(|(latencies, _)| !latencies.is_empty()) {
        latencies.sort_unstable();
        medians.push((latencies[latencies.len() / 2], query));
    }
    medians.sort_by_key(|(median, _)| std::cmp::Reverse(*median));
    let said = |(median, query): &(Duration, &String)| format!("“{query}” {:.2} ms", median.as_secs_f64() * 1_000.0);
    medians.iter().take(3).map(said).collect::<Vec<_>>().join(", ")
}

/// What people type, each kind in turn and all together.
fn queries(number: usize) -> Vec<(&'static str, Vec<String>)> {
    let at = |step: usize| (step * 7_919) % number;
    let names: Vec<String> = (0..200).map(|step| name(at(step))).collect();
    let parts: Vec<String> = (0..200).map(|step| format!("{} {}", word(at(step)), word(step + 3))).collect();
    let slips: Vec<String> = names.iter().map(|name| format!("{}x{}", &name[..3], &name[4..])).collect();
    let questions: Vec<String> =
        (0..200).map(|step| format!("how do we {} the {} of the {}", word(step), word(step + 1), word(step + 2))).collect();
    let filters: Vec<String> = (0..200).map(|step| format!("{} owner:team-{}", word(step), at(step) / 20)).collect();
    let rare: Vec<String> =
        (0..200).map(|step| format!("{} {}", text_word(step * 97 + 60), text_word(step * 31 + 400))).collect();
    let alone: Vec<String> =
        (0..200).map(|step| format!("kind:component lifecycle:production owner:team-{}", at(step) / 20)).collect();
    let counts: Vec<String> = ["lifecycle:production by owner", "type:service by language", "kind:component", "tag:java by tag"]
        .map(str::to_owned)
        .to_vec();
    let each = [&names, &parts, &slips, &questions, &rare, &filters, &alone, &counts];
    let all = each.into_iter().flatten().cloned().collect();
    vec![
        ("NAME", names),
        ("two words", parts),
        ("a slip", slips),
        ("a question", questions),
        ("words that few documents hold", rare),
        ("with a filter", filters),
        ("filters alone", alone),
        ("counts, and filters that nearly all pass", counts),
        ("all kinds", all),
    ]
}

/// Which query was asked, and how long after it was due it was answered.
async fn load(app: &Arc<App>, queries: &[String], rate: u64, seconds: u64) -> Vec<(usize, Duration)> {
    let started = Instant::now();
    let mut answers = tokio::task::JoinSet::new();
    for number in 0..rate * seconds {
        let due = started + Duration::from_nanos(number * 1_000_000_000 / rate);
        tokio::time::sleep_until(due.into()).await;
        let query = (number as usize * 31) % queries.len();
        let (app, line) = (Arc::clone(app), format!("find {}", queries[query]));
        answers.spawn(async move {
            ask(&app, &line).await;
            (query, due.elapsed())
        });
    }
    answers.join_all().await
}

async fn ask(app: &App, line: &str) -> Vec<String> {
    let account = Account { platform: Platform::Playground, id: "guest".to_owned(), name: "guest".to_owned() };
    let request = Request { account, place: None, act: Act::Press { line: line.to_owned() }, delivery: None };
    match respond(app, request).await {
        Response::Reply(reply) => reply.refs,
        Response::Form(_) | Response::Choices(_) => Vec::new(),
    }
}

fn app(catalog: &Arc<Catalog>, search: SearchIndex) -> App {
    App {
        settings: Settings::default(),
        commands: load_definitions().expect("the commands are valid"),
        custom_kinds: Default::default(),
        catalog: CatalogHandle::new(Catalog::clone(catalog)),
        store: Store::default(),
        outbox: Outbox::default(),
        clock: Clock::System,
        live: Default::default(),
        links: Default::default(),
        search,
        seal: None,
        githubs: Vec::new(),
    }
}

fn size(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).expect("the index is there").flatten();
    files.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
}

fn memory() -> String {
    crate::memory_of(std::process::id())
}
