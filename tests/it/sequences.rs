//! Whatever happens to an organisation, in whatever order its webhooks come or not: in the end the store holds exactly what a
//! fresh reading of everything gives. Last good versions of broken files and tombstones are apart from that.

use std::{
    collections::BTreeMap,
    slice,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use chrono::TimeDelta;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use sqlx::PgConnection;
use steward::{
    app::Clock,
    catalog::{Catalog, Entity, EntityRef, Parts, RepositoryKey, kinds::CustomKinds},
    github::{Auth, Connection, Filters, GithubConfig, GithubSource, Waits},
    store::{Database, Store},
    sync::{Elsewhere, Progress, Source, SyncContext, SyncOrder, look_at, read_without_store, sync_source},
};

use crate::{
    bot::morning,
    cluster::{connect, new_database},
    fake_github::{FakeGithub, Fault, TOKEN},
};

const PATHS: [&str; 2] = ["catalog-info.yaml", ".backstage/catalog.yaml"];
const SLOTS: usize = 6;

/// Short, in the same proportions as the real ones.
const WAITS: Waits = Waits {
    first: Duration::from_millis(1),
    longest: Duration::from_millis(5),
    unannounced: Duration::from_millis(5),
    longest_limit: Duration::from_millis(3_600),
    announced_second: Duration::from_millis(1),
    longest_look: Duration::from_millis(1_000),
    quota_minute: Duration::from_secs(60),
    request: Duration::from_millis(5_000),
};

/// What happens to one of the organisation's repositories.
#[derive(Debug, Clone, Copy)]
enum Event {
    Create,
    Edit(u8),
    /// Its file says that it is the entity of another one.
    Claim(usize),
    Break,
    Fix,
    MoveFile,
    RenameEntity,
    RenameRepository,
    TransferOut,
    TransferIn,
    Archive,
    Unarchive,
    Delete,
    /// A push that touches no descriptor.
    PushElsewhere,
}

/// What becomes of its webhook.
#[derive(Debug, Clone, Copy)]
enum Hook {
    Comes,
    IsLost,
    ComesTwice,
    ComesLate,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Happens(usize, Event, Hook),
    /// All webhooks that were late come now, the last one first.
    LateOnesCome,
    Sweep,
    /// A day passes: everything is read again.
    DayPasses,
    /// GitHub answers badly once.
    Stumbles,
}

fn step() -> impl Strategy<Value = Step> {
    let event = prop_oneof![
        3 => Just(Event::Create),
        3 => (0..3_u8).prop_map(Event::Edit),
        2 => (0..SLOTS).prop_map(Event::Claim),
        2 => Just(Event::Break),
        2 => Just(Event::Fix),
        2 => Just(Event::MoveFile),
        1 => Just(Event::RenameEntity),
        1 => Just(Event::RenameRepository),
        2 => Just(Event::TransferOut),
        3 => Just(Event::TransferIn),
        1 => Just(Event::Archive),
        1 => Just(Event::Unarchive),
        1 => Just(Event::Delete),
        1 => Just(Event::PushElsewhere),
    ];
    let hook = prop_oneof![Just(Hook::Comes), Just(Hook::IsLost), Just(Hook::ComesTwice), Just(Hook::ComesLate)];
    prop_oneof![
        12 => (0..SLOTS, event, hook).prop_map(|(slot, event, hook)| Step::Happens(slot, event, hook)),
        1 => Just(Step::LateOnesCome),
        2 => Just(Step::Sweep),
        1 => Just(Step::DayPasses),
        1 => Just(Step::Stumbles),
    ]
}

/// A repository as the test knows it.
#[derive(Debug, Default, Clone)]
struct Slot {
    /// Its name on GitHub; none while there is none.
    name: Option<String>,
    is_away: bool,
    renamed: u32,
    path: usize,
    owner: u8,
    entity: String,
    is_broken: bool,
}

impl Slot {
    fn text(&self) -> String {
        if self.is_broken {
            return "kind: Component\n\tmetadata: {}\n".to_owned();
        }
        format!(
            "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {}\nspec:\n  type: service\n  \
             lifecycle: production\n  owner: team-{}\n",
            self.entity, self.owner
        )
    }
}

/// One organisation and Steward beside it.
struct Story<'a> {
    github: FakeGithub,
    source: Source,
    store: &'a Store,
    clock: Clock,
    kinds: CustomKinds,
    elsewhere: Elsewhere,
    slots: Vec<Slot>,
    late: Vec<RepositoryKey>,
    /// What a replica knows that follows every change.
    followed: Parts,
}

impl<'a> Story<'a> {
    async fn begin(store: &'a Store, filters: Filters) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let github = FakeGithub::start("acme").await;
        let config = GithubConfig {
            id: format!("story-{}", NUMBER.fetch_add(1, Ordering::Relaxed)),
            org: "acme".to_owned(),
            connection: Connection::new(&github.url, &Auth::Token(TOKEN.into()), WAITS).unwrap(),
            catalog_paths: PATHS.map(str::to_owned).to_vec(),
            filters,
        };
        Self {
            github,
            source: Source::Github(Box::new(GithubSource::new(config).unwrap())),
            store,
            clock: Clock::fixed(morning()),
            kinds: CustomKinds::default(),
            elsewhere: Elsewhere::default(),
            slots: (0..SLOTS).map(|at| Slot { entity: format!("service-{at}"), ..Slot::default() }).collect(),
            late: Vec::new(),
            followed: Parts::default(),
        }
    }

    /// Loads what changed, as a replica does.
    async fn follow(&mut self) {
        if let Some(change) = self.store.load_change(&self.followed).await.unwrap() {
            self.followed = change.apply(&self.followed);
        }
    }

    fn context(&self, order: SyncOrder) -> SyncContext<'_> {
        let Self { store, source, clock, kinds, elsewhere, .. } = self;
        SyncContext {
            store,
            sources: slice::from_ref(source),
            clock,
            custom_kinds: kinds,
            elsewhere,
            order,
            progress: &Progress::Silent,
        }
    }

    async fn sweep(&self, order: SyncOrder) -> bool {
        let summary = sync_source(&self.source, &self.context(order)).await.unwrap();
        assert!(!summary.failed || summary.held_back, "{:?}", summary.errors);
        summary.held_back
    }

    async fn hear(&self, key: &RepositoryKey) {
        look_at(&self.source, std::slice::from_ref(key), &self.context(SyncOrder::USUAL)).await.unwrap();
    }

    async fn go(&mut self, step: Step) {
        match step {
            Step::Happens(slot, event, hook) => {
                let Some(key) = self.happen(slot, event) else { return };
                match hook {
                    Hook::Comes => self.hear(&key).await,
                    Hook::ComesTwice => {
                        self.hear(&key).await;
                        self.hear(&key).await;
                    }
                    Hook::IsLost => {}
                    Hook::ComesLate => self.late.push(key),
                }
            }
            Step::LateOnesCome => {
                while let Some(key) = self.late.pop() {
                    self.hear(&key).await;
                }
            }
            Step::Sweep => drop(self.sweep(SyncOrder::USUAL).await),
            Step::DayPasses => {
                if let Clock::Fixed(now) = &self.clock {
                    *now.write().unwrap() += TimeDelta::hours(25);
                }
                self.sweep(SyncOrder::USUAL).await;
            }
            Step::Stumbles => self.github.plan([Some(Fault::Status(502))]),
        }
    }

    /// `None` where it cannot happen now; else what its webhook says of the repository.
    fn happen(&mut self, at: usize, event: Event) -> Option<RepositoryKey> {
        let here = self.slots[at].name.clone().filter(|_| !self.slots[at].is_away);
        let target = if let Event::Claim(other) = event { self.slots[other].entity.clone() } else { String::new() };
        let slot = &mut self.slots[at];
        match (event, here) {
            (Event::Create, None) if slot.name.is_none() => {
                let name = format!("repo-{at}-{}", slot.renamed);
                slot.renamed += 1;
                self.github.add_repository(&name, &[(PATHS[slot.path], &slot.text())]);
                slot.name = Some(name);
            }
            (Event::TransferIn, None) => {
                let name = slot.name.clone()?;
                slot.is_away = false;
                self.github.model(|model| model.take_back(&name));
            }
            (Event::Create | Event::TransferIn, _) | (_, None) => return None,
            (Event::Delete, Some(name)) => {
                let key = self.key(&name);
                self.github.delete(&name);
                self.slots[at].name = None;
                return Some(key);
            }
            (Event::TransferOut, Some(name)) => {
                slot.is_away = true;
                let key = self.key(&name);
                self.github.transfer(&name, "elsewhere");
                return Some(key);
            }
            (Event::RenameRepository, Some(name)) => {
                let new = format!("repo-{at}-{}", slot.renamed);
                slot.renamed += 1;
                slot.name = Some(new.clone());
                self.github.rename(&name, &new);
            }
            (Event::Archive, Some(name)) => self.github.archive(&name),
            (Event::Unarchive, Some(name)) => self.github.model(|model| model.change(&name, |repo| repo.archived = false)),
            (Event::PushElsewhere, Some(name)) => drop(self.github.push_file(&name, "README.md", format!("{at}"))),
            (Event::MoveFile, Some(name)) => {
                let from = PATHS[slot.path];
                slot.path = 1 - slot.path;
                let text = slot.text();
                let to = (PATHS[slot.path], Some(text.as_bytes()));
                self.github.model(|model| model.push(&name, &[(from, None), to]));
            }
            (change @ (Event::Edit(_) | Event::Claim(_) | Event::Break | Event::Fix | Event::RenameEntity), Some(name)) => {
                match change {
                    Event::Edit(owner) => slot.owner = owner,
                    Event::Claim(_) => slot.entity = target,
                    Event::Break => slot.is_broken = true,
                    Event::RenameEntity => slot.entity = format!("service-{at}-new"),
                    _ => slot.is_broken = false,
                }
                let (path, text) = (PATHS[slot.path], slot.text());
                self.github.push_file(&name, path, text);
            }
        }
        let name = self.slots[at].name.clone()?;
        Some(self.key(&name))
    }

    fn key(&self, name: &str) -> RepositoryKey {
        let id = self.github.model(|model| model.repo_mut(name).id);
        RepositoryKey { id, node_id: Some(self.github.node_id(name)), full_name: Some(format!("acme/{name}")) }
    }

    /// The end: the next sweep, and what it holds back is confirmed; then both readings are compared.
    async fn end(mut self) {
        self.github.heal();
        if self.sweep(SyncOrder::USUAL).await {
            self.sweep(SyncOrder::FULL).await;
        }
        self.follow().await;
        let fresh = read_without_store(&self.source, &self.kinds, &self.elsewhere, self.clock.now()).await.unwrap();
        let stored = self.store.load_change(&Parts::default()).await.unwrap().expect("something was stored");
        let stored = stored.apply(&Parts::default());
        assert_eq!(whole(&self.followed), whole(&stored));
        assert_eq!(claims(&stored), claims(&fresh));
        assert_eq!(broken(&stored), broken(&fresh));
        // Where an older version is kept it may own what a later claim would have in a fresh reading.
        let kept: Vec<EntityRef> =
            stored.claims.iter().filter(|claim| claim.problem.is_some()).map(|claim| claim.entity.entity_ref.clone()).collect();
        let owners = |parts: Parts| -> BTreeMap<String, (i64, String)> {
            let catalog = Catalog::build(parts);
            let told = catalog.entries().iter().filter(|entry| !kept.contains(&entry.entity.entity_ref));
            let owner = |entry: &std::sync::Arc<steward::catalog::Entry>| {
                (entry.entity.entity_ref.to_string(), (entry.origin.repository_id, entry.origin.path.to_string()))
            };
            told.map(owner).collect()
        };
        assert_eq!(owners(stored), owners(fresh));
    }
}

type Claims = BTreeMap<(i64, String, String), (String, bool, Entity)>;

/// All claims that are as their file says now, without what only history knows.
fn claims(parts: &Parts) -> Claims {
    let current = parts.claims.iter().filter(|claim| claim.problem.is_none());
    let told = current.map(|claim| {
        let origin = &claim.origin;
        let key = (origin.repository_id, origin.path.to_string(), claim.entity.entity_ref.to_string());
        let entity = Entity { former_names: Vec::new(), ..claim.entity.clone() };
        (key, (origin.repository.to_string(), origin.archived, entity))
    });
    told.collect()
}

fn broken(parts: &Parts) -> BTreeMap<(i64, String), String> {
    let told = parts.broken.iter().map(|file| ((file.origin.repository_id, file.origin.path.to_string()), file.message.clone()));
    told.collect()
}

/// All that a replica holds, however it came to it; in one order.
fn whole(parts: &Parts) -> Vec<String> {
    let claims = parts.claims.iter().map(|claim| format!("{claim:?}"));
    let runbooks = parts.runbooks.iter().map(|runbook| format!("{runbook:?}"));
    let broken = parts.broken.iter().map(|broken| format!("{broken:?}"));
    let described = parts.described.values().flatten().map(|described| format!("{described:?}"));
    let counted = format!("{} {}", parts.repositories, parts.without_descriptor);
    let mut told: Vec<String> = claims.chain(runbooks).chain(broken).chain(described).chain([counted]).collect();
    told.sort();
    told
}

/// What one story leaves behind must not slow the next.
async fn forget(connection: &mut PgConnection) {
    for table in ["author_notes", "entities", "files", "entity_history", "repositories", "sources"] {
        let query = format!("delete from {table}");
        sqlx::query(sqlx::AssertSqlSafe(query)).execute(&mut *connection).await.unwrap();
    }
}

#[test]
fn what_happens_ends_in_what_a_fresh_reading_gives() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let database: Database = runtime.block_on(new_database());
    let store = Store::unopened();
    runtime.block_on(store.open(&database, 8)).unwrap();
    let mut runner = TestRunner::new(Config { cases: 500, failure_persistence: None, ..Config::default() });
    let stories = (any::<bool>(), prop::collection::vec(step(), 1..24));
    let told = runner.run(&stories, |(leaves_archived_out, steps)| {
        runtime.block_on(async {
            let filters = Filters { leave_archived: leaves_archived_out, ..Filters::default() };
            let mut story = Story::begin(&store, filters).await;
            for step in steps {
                story.go(step).await;
                story.follow().await;
            }
            story.end().await;
            forget(&mut connect(&database).await).await;
        });
        Ok(())
    });
    told.unwrap();
}
