//! A GitHub with state: an owner with repositories, commits and files, which fails when told to. Only `serve` knows HTTP.
//! Tests arrange and assert on it, Steward talks to its address. `examples/fake_github.rs` starts it alone.

pub mod app;
pub mod device;
mod graphql;
mod load;
pub mod made;
mod model;
pub mod org;
mod resolve;
mod rest;
pub mod sbom;
mod serve;
mod validate;
mod write;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use app::FakeApp;
pub use model::{Model, OwnerKind};

/// The token it accepts unless told otherwise.
pub const TOKEN: &str = "ghp_fakeTokenForTests";

/// A running fake; it stops when dropped.
pub struct FakeGithub {
    pub url: String,
    state: Arc<Mutex<State>>,
    server: tokio::task::JoinHandle<()>,
}

/// How one request fails.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// This status with GitHub's words.
    Status(u16),
    /// Status 200 with GraphQL's error for queries that take too long, no data.
    GraphqlTimeout,
    /// Half of the data, and an error that says so.
    ResourceLimits,
    /// A whole HTTP answer with half of the JSON.
    CutShort,
    /// The connection goes away in the middle of the body.
    BrokenOff,
    /// The connection of repositories ends in the middle of the page, with `hasNextPage: false`.
    EndsEarly,
    /// It is done, and then this status.
    After(u16),
    /// It is somewhere else.
    Moved { status: u16, location: String },
    /// GraphQL or REST, whichever was asked, is closed for so many seconds.
    Limited { status: u16, secs: u64, announced: Announced },
}

/// How a rate limit tells when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announced {
    RetryAfter,
    /// `x-ratelimit-remaining: 0` and `x-ratelimit-reset`.
    Reset,
    Nothing,
}

/// What was asked of the fake.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    pub graphql: u64,
    pub rest: u64,
    /// Requests that came although a limit had told to wait.
    pub too_early: u64,
    /// `first` of each GraphQL request that was run.
    pub page_sizes: Vec<i64>,
}

pub(crate) struct State {
    model: Model,
    token: Option<String>,
    scopes: String,
    counts: Counts,
    queries: Vec<String>,
    planned: VecDeque<Option<Fault>>,
    /// Method, a part of the path, and what goes wrong there the next time.
    planned_for: Vec<(String, String, Fault)>,
    each_page_once: Option<Fault>,
    seen_pages: HashSet<String>,
    heavy_above: Option<(i64, Fault)>,
    delay: Duration,
    closed: HashMap<&'static str, Closed>,
    second: Duration,
    /// Requests used of each resource.
    used: HashMap<&'static str, u64>,
    windows: HashMap<&'static str, Window>,
    tells_limits: bool,
    app: Option<FakeApp>,
    log: Vec<String>,
}

/// What is left of a resource until it is given anew.
struct Window {
    left: u64,
    resets_at: Instant,
}

struct Closed {
    until: Instant,
    status: u16,
    announced: Announced,
}

impl FakeGithub {
    /// An organisation without repositories.
    pub async fn start(login: &str) -> Self {
        Self::serve(Model::new(login, OwnerKind::Organization), 0).await
    }

    /// Serves a model on this port of the loopback, 0 for any.
    pub async fn serve(model: Model, port: u16) -> Self {
        let state = Arc::new(Mutex::new(State {
            model,
            token: Some(TOKEN.to_owned()),
            scopes: "read:org, repo".to_owned(),
            counts: Counts::default(),
            queries: Vec::new(),
            planned: VecDeque::new(),
            planned_for: Vec::new(),
            each_page_once: None,
            seen_pages: HashSet::new(),
            heavy_above: None,
            delay: Duration::ZERO,
            closed: HashMap::new(),
            second: Duration::from_secs(1),
            used: HashMap::new(),
            windows: HashMap::new(),
            tells_limits: true,
            app: None,
            log: Vec::new(),
        }));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let server = tokio::spawn(serve::serve(listener, url.clone(), Arc::clone(&state)));
        Self { url, state, server }
    }

    /// The organisation under `fixtures/org`, with the facts of its `repositories.yaml`.
    pub fn load_fixtures(login: &str, folder: &Path) -> Model {
        load::fixtures(login, folder)
    }

    /// An organisation of so many repositories as one might find them.
    pub fn generate(login: &str, repositories: usize) -> Model {
        load::generated(login, repositories)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds this lock")
    }

    /// Arranges or looks at the model.
    pub fn model<T>(&self, with: impl FnOnce(&mut Model) -> T) -> T {
        with(&mut self.state().model)
    }

    /// Creates a repository with one commit of these files; none makes an empty one.
    pub fn add_repository(&self, name: &str, files: &[(&str, &str)]) {
        self.model(|model| {
            model.add_repo(name);
            let files: Vec<_> = files.iter().map(|(path, text)| (*path, Some(text.as_bytes()))).collect();
            if !files.is_empty() {
                model.push(name, &files);
            }
        });
    }

    /// Commits one file; gives the commit.
    pub fn push_file(&self, name: &str, path: &str, contents: impl AsRef<[u8]>) -> String {
        self.model(|model| model.push(name, &[(path, Some(contents.as_ref()))]))
    }

    /// Commits the removal of one file; gives the commit.
    pub fn remove_file(&self, name: &str, path: &str) -> String {
        self.model(|model| model.push(name, &[(path, None)]))
    }

    pub fn archive(&self, name: &str) {
        self.model(|model| model.change(name, |repo| repo.archived = true));
    }

    pub fn rename(&self, name: &str, to: &str) {
        self.model(|model| {
            model.change(name, |repo| {
                let former = std::mem::replace(&mut repo.name, to.to_owned());
                repo.former_names.push(former);
            });
        });
    }

    pub fn delete(&self, name: &str) {
        self.model(|model| model.delete_repo(name));
    }

    /// Gives a repository to another owner.
    pub fn transfer(&self, name: &str, to: &str) {
        self.model(|model| model.transfer_repo(name, to));
    }

    /// Another organisation, to which repositories can go.
    pub fn add_organisation(&self, login: &str) {
        self.model(|model| model.others.push(login.to_owned()));
    }

    /// The repository's id in GraphQL.
    pub fn node_id(&self, name: &str) -> String {
        self.model(|model| resolve::node_id("R", model.find_repo(name).expect("the fake has it").id))
    }

    /// GitHub counts the repository and gives null for it, with an error.
    pub fn break_repository(&self, name: &str) {
        self.model(|model| model.repo_mut(name).broken = true);
    }

    /// GitHub gives null for the file, with an error.
    pub fn break_file(&self, name: &str, path: &str) {
        self.model(|model| model.repo_mut(name).broken_paths.push(path.to_owned()));
    }

    /// The coming requests fail so, one after another; `None` lets one pass.
    pub fn plan(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.state().planned.extend(faults);
    }

    /// The next request with this method, whose path holds this, fails so; told twice, the next two.
    pub fn fail_on(&self, method: &str, part: &str, fault: Fault) {
        self.state().planned_for.push((method.to_owned(), part.to_owned(), fault));
    }

    /// Each GraphQL page fails so when it is first asked for.
    pub fn fail_each_page_once(&self, fault: Fault) {
        self.state().each_page_once = Some(fault);
    }

    /// Queries for more than `repositories` a page fail so.
    pub fn fail_pages_above(&self, repositories: i64, fault: Fault) {
        self.state().heavy_above = Some((repositories, fault));
    }

    /// GitHub answers well again, whatever was planned.
    pub fn heal(&self) {
        let mut state = self.state();
        (state.heavy_above, state.each_page_once) = (None, None);
        state.closed.clear();
        state.planned.clear();
        state.planned_for.clear();
    }

    /// Every answer takes so long.
    pub fn answer_after(&self, delay: Duration) {
        self.state().delay = delay;
    }

    /// How long a second of its rate limits lasts.
    pub fn second_lasts(&self, second: Duration) {
        self.state().second = second;
    }

    /// Accepts this token with these scopes; no token at all means any.
    pub fn accept(&self, token: Option<&str>, scopes: &str) {
        let mut state = self.state();
        (state.token, state.scopes) = (token.map(str::to_owned), scopes.to_owned());
    }

    /// How much of a resource, `core` or `graphql`, is used up.
    pub fn use_up(&self, resource: &'static str, used: u64) {
        self.state().used.insert(resource, used);
    }

    /// Of a resource so much is left for so many of its seconds; then it is whole again.
    pub fn leave(&self, resource: &'static str, left: u64, secs: u32) {
        let mut state = self.state();
        let resets_at = Instant::now() + state.second * secs;
        state.windows.insert(resource, Window { left, resets_at });
    }

    /// As an Enterprise Server whose rate limits are turned off.
    pub fn turn_limits_off(&self) {
        self.state().tells_limits = false;
    }

    /// Arranges or looks at the GitHub App; from the first time on there is one.
    pub fn app<T>(&self, with: impl FnOnce(&mut FakeApp) -> T) -> T {
        with(self.state().app.get_or_insert_default())
    }

    /// What came, in its order: `GET /rate_limit`, and GraphQL by the name of its operation.
    pub fn log(&self) -> Vec<String> {
        self.state().log.clone()
    }

    pub fn counts(&self) -> Counts {
        self.state().counts.clone()
    }

    /// Forgets what was asked so far.
    pub fn reset_counts(&self) {
        self.state().counts = Counts::default();
    }

    /// Every GraphQL query that came, each once.
    pub fn queries(&self) -> Vec<String> {
        self.state().queries.clone()
    }
}

impl Drop for FakeGithub {
    fn drop(&mut self) {
        self.server.abort();
    }
}
