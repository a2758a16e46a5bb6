//! PostgreSQL for tests, by the product's own means: one cluster a test run, one database a test.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use secrecy::{ExposeSecret, SecretString};
use sqlx::{Connection, PgConnection};
use steward::store::{Database, Durability, PrivatePostgres};

/// A database of its own for one test.
pub async fn new_database() -> Database {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let url = cluster().url();
    let name = format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut connection = PgConnection::connect(url.expose_secret()).await.expect("the test cluster runs");
    let create = format!("create database {name}");
    sqlx::query(sqlx::AssertSqlSafe(create)).execute(&mut connection).await.expect("a new database");
    Database::Given(SecretString::from(url.expose_secret().replace("/postgres?", &format!("/{name}?"))))
}

/// A connection past the store, to see what really stands in the tables.
pub async fn connect(database: &Database) -> PgConnection {
    let url = database.ensure_running().expect("it runs");
    PgConnection::connect(url.expose_secret()).await.expect("it accepts connections")
}

fn cluster() -> &'static PrivatePostgres {
    static CLUSTER: OnceLock<PrivatePostgres> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let folder = tempfile::Builder::new().prefix("steward-test-").tempdir().expect("a temporary folder").keep();
        let postgres = PrivatePostgres::start(&folder, Durability::None).expect("a private PostgreSQL for the tests");
        stop_after_this_process(&postgres, &folder);
        postgres
    })
}

/// A static is never dropped, so a shell waits for this process to end, stops the server and clears its folder.
fn stop_after_this_process(postgres: &PrivatePostgres, folder: &Path) {
    let pid_file = postgres.data_folder().join("postmaster.pid");
    let script = format!(
        "while kill -0 {parent} 2>/dev/null; do sleep 0.5; done; kill -QUIT $(head -1 '{pid}'); sleep 1; rm -rf '{folder}'",
        parent = std::process::id(),
        pid = pid_file.display(),
        folder = folder.display()
    );
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    // It outlives this process, which therefore cannot wait for it.
    std::mem::forget(shell.spawn().expect("a shell"));
}
