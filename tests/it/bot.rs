//! The whole of Steward around a fake GitHub and a real PostgreSQL, spoken to as a person would.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use steward::{
    app::{App, CatalogHandle, Clock},
    backstage::BackstageSource,
    catalog::{Catalog, Parts, kinds::CustomKinds},
    chat::{Account, Act, Form, Place, Platform, Reply, Request, Response, Submission, Value},
    cli::ask::{Colour, render_text},
    commands::{load_definitions, respond},
    directory::{DirectorySource, Layout},
    discord::DiscordClient,
    github::{Auth, Connection, Filters, GithubConfig, GithubSource, Waits},
    outbox::Outbox,
    playground::{Board, channel_of},
    seal::Seal,
    search::SearchIndex,
    settings::{AccessSettings, PUBLISHED, Settings, SourceSettings, UrlSettings},
    slack::SlackClient,
    store::{Database, Store, load_parts_from_disk},
    sync::{ADDED, Elsewhere, Progress, Source, SyncOrder, SyncSummary, UrlSource},
    web::Web,
    worker::Worker,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    cluster::new_database,
    fake_github::{FakeGithub, TOKEN},
};

/// Steward with its jobs running.
pub struct Bot {
    pub github: Arc<FakeGithub>,
    pub worker: Arc<Worker>,
    pub database: Arc<Database>,
    pub folder: Arc<TempDir>,
    places: Places,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// What is read besides GitHub.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The targets of a source `extra` of type url; without any there is the one for addresses from chat.
    pub targets: Vec<String>,
    /// The address of a Backstage, source `old`.
    pub backstage: Option<String>,
}

/// What the clock shows when a test begins.
pub fn morning() -> DateTime<Utc> {
    "2026-11-21T09:00:00Z".parse().expect("a fixed time")
}

fn usual_paths() -> Vec<String> {
    vec!["catalog-info.yaml".to_owned()]
}

impl Bot {
    /// The sample organisation on a fake GitHub, not synced yet.
    pub async fn of_sample_organisation() -> Self {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/org");
        let github = FakeGithub::serve(FakeGithub::load_fixtures("acme", &fixtures), 0).await;
        Self::start(github, new_database().await).await
    }

    /// The same as the demo has it, read from its folder: no code host but a folder, below the bot's own.
    pub async fn of_sample_folder() -> Self {
        let folder = Arc::new(TempDir::new().expect("a temporary folder"));
        let github = FakeGithub::start("nobody").await;
        let database = Arc::new(new_database().await);
        let mut bot = Self::build(Arc::new(github), database, folder, usual_paths(), Places::default());
        let published = bot.published();
        std::fs::create_dir(&published).expect("a folder of its own");
        let source = |id: &str, path: PathBuf, layout| {
            let directory = DirectorySource { path, layout, catalog_paths: usual_paths() };
            Source::Directory { id: id.to_owned(), directory }
        };
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/org");
        let worker = Arc::get_mut(&mut bot.worker).expect("nobody else has it yet");
        worker.sources = vec![source("sample", fixtures, Layout::Flat), source(PUBLISHED, published.clone(), Layout::Owners)];
        let app = Arc::get_mut(&mut worker.app).expect("nobody else has it yet");
        app.githubs.clear();
        app.settings.scaffolder.publish_folder = Some(published);
        bot.run().await
    }

    /// Where the folder that stands for the code host is.
    pub fn published(&self) -> PathBuf {
        self.folder.path().join("published")
    }

    /// An organisation `acme` with these descriptors, one repository each, not synced yet.
    pub async fn of_descriptors(descriptors: &[(&str, &str)]) -> Self {
        let github = FakeGithub::start("acme").await;
        for (repository, text) in descriptors {
            github.add_repository(repository, &[("catalog-info.yaml", text)]);
        }
        Self::start(github, new_database().await).await
    }

    /// An empty organisation `acme` whose descriptors lie at these paths.
    pub async fn with_paths(paths: &[&str]) -> Self {
        let folder = Arc::new(TempDir::new().expect("a temporary folder"));
        let github = FakeGithub::start("acme").await;
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        Self::build(Arc::new(github), Arc::new(new_database().await), folder, paths, Places::default()).run().await
    }

    /// An organisation `acme` with these descriptors, and other places that are read.
    pub async fn with_places(descriptors: &[(&str, &str)], places: Places) -> Self {
        let github = FakeGithub::start("acme").await;
        for (repository, text) in descriptors {
            github.add_repository(repository, &[("catalog-info.yaml", text)]);
        }
        let folder = Arc::new(TempDir::new().expect("a temporary folder"));
        let database = Arc::new(new_database().await);
        Self::build(Arc::new(github), database, folder, usual_paths(), places).run().await
    }

    pub async fn start(github: FakeGithub, database: Database) -> Self {
        let folder = Arc::new(TempDir::new().expect("a temporary folder"));
        let bot = Self::build(Arc::new(github), Arc::new(database), folder, usual_paths(), Places::default());
        bot.run().await
    }

    /// The same with other settings; sources in them are not read.
    pub async fn with_settings(github: FakeGithub, database: Database, settings: Settings) -> Self {
        let folder = Arc::new(TempDir::new().expect("a temporary folder"));
        let mut bot = Self::build(Arc::new(github), Arc::new(database), folder, usual_paths(), Places::default());
        let worker = Arc::get_mut(&mut bot.worker).expect("nobody else has it yet");
        let app = Arc::get_mut(&mut worker.app).expect("nobody else has it yet");
        app.seal = settings.scaffolder.secret_key.as_ref().map(Seal::new);
        let access = AccessSettings { admins: app.settings.access.admins.clone(), ..settings.access };
        app.settings = Settings { data_dir: app.settings.data_dir.clone(), access, ..settings };
        bot.run().await
    }

    /// The same with a Slack beside the playground.
    pub async fn with_slack(github: FakeGithub, database: Database, slack: SlackClient) -> Self {
        let folder = Arc::new(TempDir::new().expect("a temporary folder"));
        let mut bot = Self::build(Arc::new(github), Arc::new(database), folder, usual_paths(), Places::default());
        let worker = Arc::get_mut(&mut bot.worker).expect("nobody else has it yet");
        Arc::get_mut(&mut worker.app).expect("nobody else has it yet").outbox.slack = Some(slack);
        bot.run().await
    }

    /// The same with a Discord beside the playground.
    pub async fn with_discord(github: FakeGithub, database: Database, discord: DiscordClient) -> Self {
        let folder = Arc::new(TempDir::new().expect("a temporary folder"));
        let mut bot = Self::build(Arc::new(github), Arc::new(database), folder, usual_paths(), Places::default());
        let worker = Arc::get_mut(&mut bot.worker).expect("nobody else has it yet");
        Arc::get_mut(&mut worker.app).expect("nobody else has it yet").outbox.discord = Some(discord);
        bot.run().await
    }

    /// The same with more to read.
    pub async fn with_sources(github: FakeGithub, database: Database, sources: Vec<Source>) -> Self {
        let folder = Arc::new(TempDir::new().expect("a temporary folder"));
        let mut bot = Self::build(Arc::new(github), Arc::new(database), folder, usual_paths(), Places::default());
        Arc::get_mut(&mut bot.worker).expect("nobody else has it yet").sources.extend(sources);
        bot.run().await
    }

    /// The same Steward after a restart: memory is gone, disk and database are there.
    pub async fn restart(self) -> Self {
        let (github, database, folder) = (Arc::clone(&self.github), Arc::clone(&self.database), Arc::clone(&self.folder));
        let places = self.places.clone();
        self.halt().await;
        Self::build(github, database, folder, usual_paths(), places).run().await
    }

    /// Another replica, with a disk of its own.
    pub async fn beside(github: Arc<FakeGithub>, database: Arc<Database>) -> Self {
        let folder = Arc::new(TempDir::new().expect("a temporary folder"));
        Self::build(github, database, folder, usual_paths(), Places::default()).run().await
    }

    fn build(
        github: Arc<FakeGithub>,
        database: Arc<Database>,
        folder: Arc<TempDir>,
        catalog_paths: Vec<String>,
        places: Places,
    ) -> Self {
        let trusted: Vec<url::Url> = places.targets.iter().map(|target| target.parse().expect("an address")).collect();
        let mut settings = Settings { data_dir: folder.path().to_owned(), ..Settings::default() };
        if !places.targets.is_empty() {
            let (id, targets) = ("extra".to_owned(), places.targets.clone());
            settings.sources.push(SourceSettings::Url(UrlSettings { id, targets, schedule: Default::default() }));
        }
        // The servers that tests ask are their own.
        settings.link_checks.pause = std::time::Duration::ZERO;
        settings.access.admins = vec!["group:default/platform".to_owned()];
        let parts: Parts = load_parts_from_disk(folder.path()).unwrap_or_default();
        let mut app = App {
            settings,
            commands: load_definitions().expect("the commands are valid"),
            custom_kinds: CustomKinds::default(),
            catalog: CatalogHandle::new(Catalog::build(parts)),
            store: Store::unopened(),
            outbox: Outbox { playground: Some(Board::default()), ..Outbox::default() },
            clock: Clock::fixed(morning()),
            live: Default::default(),
            links: Default::default(),
            search: SearchIndex::at(folder.path()),
            seal: None,
            githubs: Vec::new(),
        };
        // As many as in the true minute, of which nobody wants to wait for the end.
        let waits = Waits { quota_minute: std::time::Duration::from_secs(6), ..Waits::default() };
        let connection = Connection::new(&github.url, &Auth::Token(TOKEN.into()), waits).expect("a valid address");
        let elsewhere = Arc::new(Elsewhere::new(Web::new(&trusted), vec![("github.com".to_owned(), connection.clone())]));
        let filters = Filters::default();
        let config = GithubConfig { id: "acme".to_owned(), org: "acme".to_owned(), connection, catalog_paths, filters };
        let github_source = GithubSource::new(config).expect("a valid source");
        app.githubs.push(github_source.clone());
        let mut sources = vec![Source::Github(Box::new(github_source))];
        match places.targets.as_slice() {
            [] => sources.push(Source::Url(UrlSource::new(ADDED, &[], Arc::clone(&elsewhere)))),
            targets => sources.push(Source::Url(UrlSource::new("extra", targets, Arc::clone(&elsewhere)))),
        }
        if let Some(url) = &places.backstage {
            let backstage = BackstageSource::new("old", url, Some("backstage-token".into())).expect("a valid address");
            sources.push(Source::Backstage(backstage));
        }
        let worker = Arc::new(Worker::new(Arc::new(app), sources).with_elsewhere(elsewhere));
        Self { github, worker, database, folder, places, stop: CancellationToken::new(), tasks: Vec::new() }
    }

    async fn run(mut self) -> Self {
        let (worker, database, stop) = (Arc::clone(&self.worker), Arc::clone(&self.database), self.stop.clone());
        self.tasks.push(tokio::spawn(async move { worker.keep_current(&database, &stop).await }));
        let (worker, stop) = (Arc::clone(&self.worker), self.stop.clone());
        self.tasks.push(tokio::spawn(async move { worker.work(&stop).await }));
        let (worker, stop) = (Arc::clone(&self.worker), self.stop.clone());
        self.tasks.push(tokio::spawn(async move { worker.keep_indexed(&stop).await }));
        self
    }

    /// Stops everything and waits for it.
    pub async fn halt(mut self) {
        self.stop.cancel();
        for task in self.tasks.drain(..) {
            task.await.expect("no task panics");
        }
    }

    pub fn app(&self) -> &App {
        &self.worker.app
    }

    pub fn pass(&self, time: TimeDelta) {
        match &self.app().clock {
            Clock::Fixed(now) => *now.write().expect("nothing panics while it holds this lock") += time,
            Clock::System => unreachable!("tests hold the clock"),
        }
    }

    /// Waits until something is so; fails after ten seconds of real time.
    pub async fn until(&self, what: &str, is_so: impl AsyncFn(&App) -> bool) {
        for _ in 0..4_000 {
            if is_so(self.app()).await {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("never came true: {what}");
    }

    /// One sync, followed into the snapshot.
    pub async fn sync(&self) -> SyncSummary {
        self.sync_with(SyncOrder::USUAL).await
    }

    pub async fn sync_with(&self, order: SyncOrder) -> SyncSummary {
        self.until("the database is open", async |app| app.store.check(app.clock.now()).await.is_ok()).await;
        let summary = self.worker.sync_all(order, &Progress::Silent).await.expect("the store takes it");
        self.worker.catch_up().await.expect("the store can be read");
        summary
    }

    async fn request(&self, login: &str, act: Act) -> Response {
        let account = Account { platform: Platform::Playground, id: login.to_owned(), name: login.to_owned() };
        let place = Place { channel_id: channel_of(login), channel_name: None };
        respond(self.app(), Request { account, place: Some(place), act, delivery: None }).await
    }

    /// What a guest is answered, as text.
    pub async fn say(&self, line: &str) -> String {
        self.say_as("guest", line).await
    }

    pub async fn say_as(&self, login: &str, line: &str) -> String {
        let response = self.request(login, Act::Say { line: line.to_owned() }).await;
        render_text(&response, 100, Colour::Off)
    }

    /// The reply itself, with its buttons.
    pub async fn ask(&self, login: &str, line: &str) -> Reply {
        match self.request(login, Act::Say { line: line.to_owned() }).await {
            Response::Reply(reply) => reply,
            other @ (Response::Form(_) | Response::Choices(_)) => panic!("no reply: {}", render_text(&other, 100, Colour::Off)),
        }
    }

    /// Types a line that opens a form.
    pub async fn open_form(&self, login: &str, line: &str) -> Form {
        match self.request(login, Act::Say { line: line.to_owned() }).await {
            Response::Form(form) => *form,
            other @ (Response::Reply(_) | Response::Choices(_)) => panic!("no form: {}", render_text(&other, 100, Colour::Off)),
        }
    }

    /// Sends a form's page with these answers.
    pub async fn submit(&self, login: &str, form: &Form, answers: &[(&str, &str)]) -> Response {
        let values = answers.iter().map(|(name, value)| ((*name).to_owned(), Value::Text((*value).to_owned())));
        let submission =
            Submission { form: form.id.clone(), page: form.page, state: form.state.clone(), values: values.collect() };
        self.request(login, Act::Submit(submission)).await
    }

    /// Waits for messages that Steward sends by itself into a person's conversation.
    pub async fn messages(&self, channel: &str, count: usize) -> Vec<Reply> {
        let board = |app: &App| app.outbox.playground.as_ref().map(|board| board.messages(channel)).unwrap_or_default();
        self.until("the messages arrive", async |app| board(app).len() >= count).await;
        board(self.app()).iter().map(|posted| posted.reply.clone()).collect()
    }

    /// The conversation of one person with Steward.
    pub fn conversation(login: &str) -> String {
        channel_of(login)
    }
}

/// The form that was answered.
pub fn form(response: Response) -> Form {
    match response {
        Response::Form(form) => *form,
        other => panic!("a form was expected, not {other:?}"),
    }
}

/// The reply that was answered.
pub fn reply(response: Response) -> Reply {
    match response {
        Response::Reply(reply) => reply,
        other => panic!("a reply was expected, not {other:?}"),
    }
}
