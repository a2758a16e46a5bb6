//! The front door: one file a subcommand. Builds `App` and starts what a subcommand needs; nothing else.

pub mod ask;
mod build;
mod config;
mod doctor;
pub mod lint;
mod manifest;
mod nudge;
mod sample_news;
pub mod scaffold;
mod serve;
mod sync;

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::settings::{self, Settings};

/// A service catalog that answers in chat: who owns it, who to call, what breaks with it
///
/// Start with `steward demo`: it needs no account and opens a playground in your browser.
#[derive(Debug, Parser)]
#[command(name = "steward", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    /// Configuration file; without it ./steward.yaml if it is there, else the environment alone
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try it: a sample company and a web playground, no account needed
    Demo(serve::DemoArgs),
    /// Run it: sync, chat and jobs, until stopped
    Run,
    /// Read all sources once and print a summary
    Sync(sync::SyncArgs),
    /// Hold one hygiene round now: each team hears what is wrong with its entries
    Nudge(nudge::NudgeArgs),
    /// Answer one chat command here on the terminal
    Ask(ask::AskArgs),
    /// Check descriptors and templates, offline
    Lint(lint::LintArgs),
    /// Run a Software Template into a folder, or list what templates may do
    Scaffold(scaffold::ScaffoldArgs),
    /// Print the app manifest of a chat platform
    Manifest(manifest::ManifestArgs),
    /// Check configuration, tokens, database and sources, and say how to fix what is wrong
    Doctor,
    /// Bring the database schema up to this version
    Migrate,
    /// Check the configuration, or print its JSON Schema
    Config(config::ConfigArgs),
}

/// How a subcommand ended, where it did not fail with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Good,
    /// It ran, and the answer is no: exit status 1.
    Bad,
}

impl From<bool> for Outcome {
    fn from(good: bool) -> Self {
        if good { Self::Good } else { Self::Bad }
    }
}

/// Parses the command line and runs it. Exit status: 0 good, 1 bad or failed, 2 for a wrong command line.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(&cli.command);
    // Both ring and aws-lc may be in the tree; without a choice rustls panics at the first connection.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run(cli) {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Bad) => ExitCode::FAILURE,
        Err(error) if is_broken_pipe(&error) => ExitCode::from(BROKEN_PIPE),
        Err(error) => {
            eprintln!("steward: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<Outcome> {
    let config = cli.config.as_deref();
    match cli.command {
        Command::Demo(args) => block_on(serve::demo(&args)),
        Command::Run => block_on(serve::run(settings::load(config)?)),
        Command::Sync(args) => block_on(sync::sync(&args, settings::load(config)?)),
        Command::Nudge(args) => block_on(nudge::nudge(&args, settings::load(config)?)),
        Command::Ask(args) => block_on(ask::ask(&args, settings::load_offline(config)?)),
        Command::Lint(args) => {
            let kinds = build::custom_kinds(&settings::load_offline(config)?)?;
            Ok(match lint::lint(&args, &kinds, &mut std::io::stdout().lock())? {
                lint::LintOutcome::AllValid => Outcome::Good,
                lint::LintOutcome::SomeInvalid => Outcome::Bad,
            })
        }
        Command::Scaffold(args) => Ok(Outcome::from(scaffold::scaffold(&args, &mut io::stdout().lock())?)),
        Command::Manifest(args) => manifest::manifest(&args, &settings::load_offline(config)?),
        Command::Doctor => block_on(doctor::doctor(config)),
        Command::Migrate => block_on(serve::migrate(settings::load(config)?)),
        // Clients are built where addresses and keys are judged, and those want a runtime around them.
        Command::Config(args) => block_on(async { config::config(&args, config) }),
    }
}

/// What a shell reports of a program that wrote into a pipe nobody reads any more, as in `steward ask … | head -1`.
const BROKEN_PIPE: u8 = 128 + 13;

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let found = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>());
    found.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Writes to standard output; `println!` panics where the reader has gone.
fn print(text: impl std::fmt::Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Runs on two threads at least: a blocking start of the private database must not stop everything else.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

/// Logs go to standard error: readable on a terminal, JSON lines elsewhere. `RUST_LOG` chooses how much.
fn start_log(command: &Command) {
    let usual = match command {
        Command::Run => "info,sqlx=warn,graphile_worker=warn,octocrab=off",
        // A person watches the bar instead.
        Command::Sync(_) if io::stderr().is_terminal() => "warn,octocrab=off",
        Command::Sync(_) => "warn,steward=info,octocrab=off",
        Command::Demo(_)
        | Command::Nudge(_)
        | Command::Ask(_)
        | Command::Lint(_)
        | Command::Scaffold(_)
        | Command::Manifest(_)
        | Command::Doctor
        | Command::Migrate
        | Command::Config(_) => "warn,sqlx=error,graphile_worker=error,octocrab=off",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        log.with_target(false).compact().init();
    } else {
        log.json().init();
    }
}

/// The settings of a subcommand that needs a folder to keep things in.
fn make_data_dir(settings: &Settings) -> anyhow::Result<()> {
    std::fs::create_dir_all(&settings.data_dir)
        .map_err(|error| anyhow::anyhow!("the data folder {} cannot be made: {error}", settings.data_dir.display()))
}
