//! The tests' fake GitHub as a program of its own, for benchmarks and for the contract checks.
//!
//! `cargo run --example fake_github -- --repos 2000 --port 9999`, or `--fixtures fixtures/org`.

use std::{path::PathBuf, time::Duration};

use clap::Parser;

#[path = "../it/fake_github/mod.rs"]
#[expect(dead_code, reason = "the tests use the other verbs")]
mod fake_github;

use fake_github::FakeGithub;

#[derive(Parser)]
struct Arguments {
    /// How many repositories to make up.
    #[arg(long, default_value_t = 2_000)]
    repos: usize,
    /// Serve the organisation in this folder instead.
    #[arg(long)]
    fixtures: Option<PathBuf>,
    /// The organisation's login.
    #[arg(long, default_value = "acme")]
    org: String,
    /// On the loopback; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How long every answer takes.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let model = match &arguments.fixtures {
        Some(folder) => FakeGithub::load_fixtures(&arguments.org, folder),
        None => FakeGithub::generate(&arguments.org, arguments.repos),
    };
    let fake = FakeGithub::serve(model, arguments.port).await;
    fake.accept(None, "read:org, repo");
    // The key under `fixtures/github-app` signs in as well.
    fake.app(|app| app.install(77, &arguments.org));
    fake.answer_after(Duration::from_millis(arguments.delay_ms));
    println!("{}", fake.url);
    tokio::signal::ctrl_c().await.expect("signals can be listened to");
    println!("{:?}", fake.counts());
}
