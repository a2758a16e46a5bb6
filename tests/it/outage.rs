//! When PostgreSQL is away: answers go on with their age, acts are refused in clear words, and all heals by itself.

use std::time::Duration;

use chrono::TimeDelta;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use steward::{
    app::App,
    store::{Database, Durability, PrivatePostgres, load_parts_from_disk},
    sync::{Progress, SyncOrder},
};
use tempfile::TempDir;

use crate::{bot::Bot, fake_github::FakeGithub};

/// A cluster of this test's own, which may be killed.
struct Mortal {
    _folder: TempDir,
    postgres: PrivatePostgres,
}

impl Mortal {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        // What it has said is stored must be there after a kill.
        let postgres = PrivatePostgres::start(folder.path(), Durability::Full).unwrap();
        Self { _folder: folder, postgres }
    }

    fn kill(&self) {
        let file = self.postgres.data_folder().join("postmaster.pid");
        let pid = std::fs::read_to_string(file).unwrap().lines().next().unwrap().parse().unwrap();
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }
}

async fn bot_over(mortal: &Mortal) -> Bot {
    let github = FakeGithub::start("acme").await;
    let text = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: payments }\n\
                spec: { type: service, lifecycle: production, owner: team-a }\n";
    github.add_repository("payments", &[("catalog-info.yaml", text)]);
    Bot::start(github, Database::Given(mortal.postgres.url())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_go_on_without_the_database_and_say_so() {
    let mortal = Mortal::start();
    let bot = bot_over(&mortal).await;
    bot.sync().await;
    mortal.kill();
    bot.until("the loss is noticed", async |app| app.store.away_since().is_some()).await;
    bot.pass(TimeDelta::minutes(7));
    let answer = bot.say("/owner payments").await;
    assert!(answer.contains("team-a"), "{answer}");
    assert!(answer.contains("unreachable since") && answer.contains("synced 7 min ago"), "it says how old it is: {answer}");
    mortal.postgres.ensure_running().unwrap();
    bot.until("the database is found again", async |app| app.store.away_since().is_none()).await;
    assert!(!bot.say("/owner payments").await.contains("unreachable"));
    let catalog = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: payments }\n\
                   spec: { type: service, lifecycle: production, owner: team-b }\n";
    bot.github.push_file("payments", "catalog-info.yaml", catalog);
    // The pool may still be finding out which of its connections died.
    let synced = async |_: &App| bot.worker.sync_all(SyncOrder::USUAL, &Progress::Silent).await.is_ok();
    bot.until("syncs go on", synced).await;
    bot.until("and are followed", async |_| bot.say("/owner payments").await.contains("team-b")).await;
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn acts_are_refused_in_clear_words_without_the_database() {
    let mortal = Mortal::start();
    let bot = bot_over(&mortal).await;
    bot.sync().await;
    mortal.kill();
    bot.until("the loss is noticed", async |app| app.store.away_since().is_some()).await;
    let answer = bot.say_as("nobody", "/catalog sync").await;
    assert!(!answer.is_empty());
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn restart_answers_from_disk_before_the_database_is_there() {
    let mortal = Mortal::start();
    let bot = bot_over(&mortal).await;
    bot.sync().await;
    bot.until("the copy is on disk", async |app| load_parts_from_disk(&app.settings.data_dir).is_some()).await;
    mortal.kill();
    let bot = bot.restart().await;
    let answer = bot.say("/owner payments").await;
    assert!(answer.contains("team-a"), "{answer}");
    bot.halt().await;
}

#[test]
fn private_database_is_adopted_after_a_crash_of_either_side() {
    let folder = TempDir::new().unwrap();
    let first = PrivatePostgres::start(folder.path(), Durability::None).unwrap();
    let data = first.data_folder().to_owned();
    let pid = |_: ()| std::fs::read_to_string(data.join("postmaster.pid")).unwrap().lines().next().unwrap().to_owned();
    let running = pid(());
    // As after kill -9 of Steward: the handle is gone, nothing was stopped.
    drop(first);
    let second = PrivatePostgres::start(folder.path(), Durability::None).unwrap();
    assert_eq!(pid(()), running, "the running server is adopted");
    kill(Pid::from_raw(running.parse().unwrap()), Signal::SIGKILL).unwrap();
    // The kernel takes a moment to end a killed process, and until then it is running.
    let is_new = || second.ensure_running().is_ok() && pid(()) != running;
    assert!(
        (0..100).any(|_| is_new() || {
            std::thread::sleep(Duration::from_millis(50));
            false
        }),
        "it is started again"
    );
    let third = PrivatePostgres::start(folder.path(), Durability::None).unwrap();
    second.stop();
    assert!(data.join("postmaster.pid").exists(), "another Steward still uses it");
    third.stop();
    assert!(!data.join("postmaster.pid").exists(), "the last one stops it");
}

#[test]
fn private_database_lives_in_a_folder_of_any_name() {
    for name in ["da'ta", "da\"ta", "a,b", "da$x ;b", "dä ta", &"long".repeat(40)] {
        let folder = TempDir::new().unwrap();
        let postgres = PrivatePostgres::start(&folder.path().join(name), Durability::None).unwrap_or_else(|error| {
            panic!("{name}: {error}");
        });
        postgres.stop();
    }
}

#[test]
fn server_that_cannot_start_is_told_of_at_once() {
    let folder = TempDir::new().unwrap();
    let postgres = PrivatePostgres::start(folder.path(), Durability::None).unwrap();
    let data = postgres.data_folder().to_owned();
    postgres.stop();
    std::fs::write(data.join("postgresql.conf"), "no_such_setting = 1\n").unwrap();
    let error = PrivatePostgres::start(folder.path(), Durability::None).unwrap_err().to_string();
    assert!(error.contains("no_such_setting"), "{error}");
}

#[test]
fn missing_or_damaged_copy_on_disk_is_no_error() {
    let folder = TempDir::new().unwrap();
    assert!(load_parts_from_disk(folder.path()).is_none());
    std::fs::write(folder.path().join("snapshot.1"), b"not a snapshot").unwrap();
    assert!(load_parts_from_disk(folder.path()).is_none());
}
