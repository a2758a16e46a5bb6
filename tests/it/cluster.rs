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
use steward::store::{Database, Durability, PrivatePostgres, Store};

/// A database of its own for one test.
pub async fn new_database() -> Database {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let url = cluster().url();
    let name = format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut connection = PgConnection::connect(url.expose_secret()).await.expect("the test cluster runs");
    let create = format!("create database {name} template {}", migrated());
    sqlx::query(sqlx::AssertSqlSafe(create)).execute(&mut connection).await.expect("a new database");
    let database = given(&name);
    // A copy is a database of its own all the same.
    let mut connection = connect(&database).await;
    sqlx::query("update catalog_clock set identity = gen_random_uuid()").execute(&mut connection).await.expect("its identity");
    database
}

/// A database that the others are copied from: the migrations are most of what a new one takes.
fn migrated() -> &'static str {
    const NAME: &str = "migrated";
    static MIGRATED: OnceLock<()> = OnceLock::new();
    MIGRATED.get_or_init(|| {
        let migrate = async {
            let url = cluster().url();
            let mut connection = PgConnection::connect(url.expose_secret()).await.expect("the test cluster runs");
            sqlx::query("create database migrated").execute(&mut connection).await.expect("a new database");
            let store = Store::unopened();
            store.open(&given(NAME), 2).await.expect("it can be migrated");
            // Nobody may be connected with what is copied.
            sqlx::query("alter database migrated allow_connections false").execute(&mut connection).await.expect("it is left");
            let ended = "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = 'migrated'";
            sqlx::query(ended).execute(&mut connection).await.expect("it is left");
        };
        // A test's own runtime waits for this.
        let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        std::thread::spawn(move || runtime().block_on(migrate)).join().expect("it can be migrated");
    });
    NAME
}

fn given(name: &str) -> Database {
    Database::Given(SecretString::from(cluster().url().expose_secret().replace("/postgres?", &format!("/{name}?"))))
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
