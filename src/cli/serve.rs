//! `steward run`, `steward demo` and `steward migrate`.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::Context;
use clap::Args;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use secrecy::SecretString;
use tokio::{net::TcpListener, signal::unix::SignalKind};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{
    Outcome,
    build::{self, Playground},
    sample_news,
};
use crate::{
    catalog::Kind,
    door::slack::{Desk, listen},
    http::{Doors, PlaygroundDoor, github::GithubDoor, router, sample_on_call::SampleOnCall, slack::SlackDoor},
    hygiene::misspelt::{Misspelt, find_misspelt},
    settings::{
        AccessSettings, DirectorySettings, HygieneSettings, LinkHosts, OnCallSettings, ScaffolderSettings, ScheduleSettings,
        ServerSettings, Settings, SourceSettings, catalog_paths,
    },
    slack::socket::Socket,
    store::Database,
    sync::Progress,
    worker::Worker,
};

/// How long answers under way may take after the word to stop; orchestrators kill after 30 s.
const DRAIN: Duration = Duration::from_secs(20);
/// And how long, from that word, what follows an answer may take to leave.
const DRAIN_LATE: Duration = Duration::from_secs(26);

/// The demo's only source.
const SAMPLE: &str = "sample";

/// What `steward demo` is asked.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Port on 127.0.0.1; 0 takes any that is free
    #[arg(long, default_value_t = 7007)]
    port: u16,
    /// A folder with one folder a repository, in place of the sample company
    #[arg(long, value_name = "DIR")]
    source: Option<PathBuf>,
    /// Where the demo keeps its database and the sample company
    #[arg(long, value_name = "DIR", default_value = "./data/demo")]
    data_dir: PathBuf,
}

/// Serves the playground over a sample company until Ctrl-C.
pub async fn demo(args: &DemoArgs) -> anyhow::Result<Outcome> {
    let address = SocketAddr::from(([127, 0, 0, 1], args.port));
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!(
            "port {} is taken on this machine; choose another, as in `steward demo --port {}`",
            args.port,
            args.port.wrapping_add(1)
        )
    })?;
    let path = match &args.source {
        Some(folder) => {
            anyhow::ensure!(
                folder.is_dir(),
                "--source {} is not a folder; name one that holds one folder a repository",
                folder.display()
            );
            folder.clone()
        }
        None => {
            let folder = args.data_dir.join("org");
            build::unpack_sample(&folder)?;
            folder
        }
    };
    let place = format!("http://{}", listener.local_addr()?);
    // Another folder has schedules of its own, of which the sample company knows nothing.
    let sample_on_call = args.source.is_none().then(SampleOnCall::load).transpose()?;
    let is_sample = sample_on_call.is_some();
    let on_call = OnCallSettings { pagerduty: None, http: sample_on_call.is_some().then(|| SampleOnCall::settings(&place)) };
    let server = ServerSettings { public_url: Some(place.clone()), ..ServerSettings::default() };
    let settings = Settings { on_call, server, ..demo_settings(args, path) };
    super::make_data_dir(&settings)?;
    let published = published_by(args);
    eprintln!("Starting a private PostgreSQL under {} …", settings.data_dir.display());
    let database = build::database(&settings);
    // `run` goes on without a database and tries again; a first look at Steward must say at once what the machine lacks.
    tokio::task::block_in_place(|| database.ensure_running())?;
    let app = build::app(settings, Playground::Served)?;
    let worker = build::worker(app)?;
    let doors =
        Doors { playground: Some(PlaygroundDoor::default()), metrics: metrics_handle(), sample_on_call, ..Doors::default() };
    let ready = async {
        let is_read = || worker.app.catalog.load().source(SAMPLE).is_some_and(|source| source.synced_at.is_some());
        while !is_read() || worker.app.store.check(worker.app.clock.now()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if is_sample && let Err(fault) = sample_news::tell(&worker.app, SAMPLE).await {
            warn!(%fault, "what happened lately at the sample company could not be told");
        }
        let catalog = worker.app.catalog.load();
        let (entities, repositories) = (catalog.entries().len(), catalog.parts().repositories);
        // A component that others lean on makes the better first question.
        let components = catalog.entries().iter().filter(|entry| entry.entity.kind == Kind::Component);
        let example = components.max_by_key(|entry| catalog.dependents_count(&entry.entity.entity_ref));
        let example = example.map_or("help".to_owned(), |entry| format!("owner {}", entry.entity.name));
        eprintln!(
            "Read {entities} entities from {repositories} repositories.\n\nOpen {place}  and type /{example}\n\
             What /new makes is put into {}\nStop with Ctrl-C.",
            published.display()
        );
    };
    let progress = Progress::for_terminal();
    let serving = serve(&worker, listener, doors, Chat::default(), &database, &progress);
    let (served, ()) = tokio::join!(serving, async {
        tokio::select! { () = ready => {} () = stop_signal().clone().cancelled_owned() => {} }
    });
    stop(database);
    served.map(|()| Outcome::Good)
}

fn demo_settings(args: &DemoArgs, path: PathBuf) -> Settings {
    let source = DirectorySettings {
        id: SAMPLE.to_owned(),
        path,
        catalog_paths: catalog_paths(),
        schedule: ScheduleSettings { every: Duration::from_secs(60) },
    };
    Settings {
        data_dir: args.data_dir.clone(),
        sources: vec![SourceSettings::Directory(source)],
        link_hosts: LinkHosts {
            grafana: Some("https://grafana.example.com".to_owned()),
            sonarqube: Some("https://sonarqube.example.com".to_owned()),
            argocd: Some("https://argocd.example.com".to_owned()),
            sentry: Some("https://acme.sentry.io".to_owned()),
            pagerduty: Some("https://acme.pagerduty.com".to_owned()),
            ..LinkHosts::default()
        },
        access: AccessSettings { admins: vec!["group:default/platform".to_owned()], ..AccessSettings::default() },
        hygiene: HygieneSettings { catch_all: Some("#platform".to_owned()), ..HygieneSettings::default() },
        // A demo's runs do not outlive it, so neither need its key.
        scaffolder: ScaffolderSettings {
            secret_key: Some(throw_away_key()),
            publish_folder: Some(published_by(args)),
            ..ScaffolderSettings::default()
        },
        ..Settings::default()
    }
}

/// A demo has no code host: what would be a repository there is a folder here.
fn published_by(args: &DemoArgs) -> PathBuf {
    args.data_dir.join("published")
}

fn throw_away_key() -> SecretString {
    hex::encode(rand::random::<[u8; 32]>()).into()
}

/// Production: until SIGTERM or Ctrl-C, then drains.
pub async fn run(settings: Settings) -> anyhow::Result<Outcome> {
    super::make_data_dir(&settings)?;
    for Misspelt { key, message } in find_misspelt(&settings.hygiene, &settings.kinds) {
        warn!(key, "{message}");
    }
    let listen = settings.server.listen;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen} (server.listen)"))?;
    let desk = Desk::default();
    let signing_secret = settings.slack.as_ref().and_then(|slack| slack.signing_secret.as_ref());
    let slack = signing_secret.map(|secret| SlackDoor::new(secret, desk.clone())).transpose()?;
    let chat = Chat { desk, by_http: slack.is_some(), socket: build::socket(&settings)? };
    let github = Some(GithubDoor::new(&settings.sources));
    let doors = Doors { slack, github, metrics: metrics_handle(), ..Doors::default() };
    let database = build::database(&settings);
    let worker = build::worker(build::app(settings, Playground::LeftOut)?)?;
    let entities = worker.app.catalog.load().entries().len();
    info!(address = %listener.local_addr()?, entities, "answering");
    let served = serve(&worker, listener, doors, chat, &database, &Progress::for_terminal()).await;
    stop(database);
    served.map(|()| Outcome::Good)
}

/// How chat reaches us besides the playground.
#[derive(Debug, Default)]
struct Chat {
    desk: Desk,
    by_http: bool,
    socket: Option<Socket>,
}

async fn serve(
    worker: &Arc<Worker>,
    listener: TcpListener,
    doors: Doors,
    chat: Chat,
    database: &Database,
    progress: &Progress,
) -> anyhow::Result<()> {
    let stop = stop_signal();
    let board = worker.app.outbox.playground.is_some().then(|| Arc::clone(&worker.app));
    let closing = stop.clone();
    let server = axum::serve(listener, router(Arc::clone(&worker.app), doors)).with_graceful_shutdown(async move {
        closing.cancelled().await;
        // Open event streams would keep the server from draining.
        if let Some(board) = board.as_ref().and_then(|app| app.outbox.playground.as_ref()) {
            board.close();
        }
    });
    let serving = async {
        let served = tokio::select! {
            served = server.into_future() => served.context("serving HTTP"),
            () = async { stop.cancelled().await; tokio::time::sleep(DRAIN).await } => {
                error!("some answers were still under way and are cut off");
                Ok(())
            }
        };
        // Whatever ended the server ends the rest.
        stop.cancel();
        served
    };
    let Chat { desk, by_http, socket } = chat;
    worker.app.live.hear(|hearing| hearing.by_http = by_http);
    let listening = async {
        if let Some(socket) = socket {
            listen(Arc::clone(&worker.app), desk.clone(), socket, stop).await;
        }
    };
    let hearing_discord = async {
        #[cfg(feature = "discord")]
        crate::door::discord::listen(Arc::clone(&worker.app), stop).await;
    };
    let stopped = async {
        stop.cancelled().await;
        tokio::time::Instant::now()
    };
    let (served, stopped, (), (), (), (), (), (), (), (), ()) = tokio::join!(
        serving,
        stopped,
        listening,
        hearing_discord,
        worker.keep_current(database, stop),
        worker.keep_synced(progress, stop),
        worker.work(stop),
        worker.keep_own_commands(stop),
        worker.keep_live(stop),
        worker.keep_rounds(stop),
        worker.keep_indexed(stop)
    );
    if tokio::time::timeout_at(stopped + DRAIN_LATE, desk.close()).await.is_err() {
        error!("some answers to Slack were still to be sent and are lost");
    }
    served
}

/// Cancelled at SIGTERM or Ctrl-C.
fn stop_signal() -> &'static CancellationToken {
    static STOP: OnceLock<CancellationToken> = OnceLock::new();
    STOP.get_or_init(|| {
        let token = CancellationToken::new();
        let cancel = token.clone();
        tokio::spawn(async move {
            let mut terminate = tokio::signal::unix::signal(SignalKind::terminate()).expect("SIGTERM can be listened for");
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            info!("stopping");
            cancel.cancel();
        });
        token
    })
}

fn stop(database: Database) {
    tokio::task::block_in_place(|| database.stop());
}

fn metrics_handle() -> Option<PrometheusHandle> {
    PrometheusBuilder::new().install_recorder().inspect_err(|error| error!(%error, "metrics are not collected")).ok()
}

/// Applies the migrations.
pub async fn migrate(settings: Settings) -> anyhow::Result<Outcome> {
    super::make_data_dir(&settings)?;
    let database = build::database(&settings);
    let app = build::app(settings, Playground::LeftOut)?;
    let migrated = app.store.open(&database, app.settings.database.max_connections).await;
    stop(database);
    migrated?;
    super::print("The database schema is current.")?;
    Ok(Outcome::Good)
}
