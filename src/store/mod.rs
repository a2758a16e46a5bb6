//! The store: PostgreSQL through sqlx, here and nowhere else. Transactions never leave it.
//! Must not decide what is written: sync and commands hand it finished values.

mod action;
mod asked;
mod audit;
mod catalog;
mod channel;
mod checked_link;
mod claim;
mod coverage_day;
mod database;
mod delivery;
mod document;
mod export;
mod finding;
mod fix;
mod follow;
mod gap;
mod gone;
mod hand_over;
mod history;
mod incident;
mod link;
mod location;
mod measure;
mod news;
mod note;
mod notice;
mod on_call;
mod onboard;
mod package;
mod pages;
mod private;
mod recent;
mod removal;
mod round;
mod run;
mod sitting;
mod sync;
mod template;
mod transfer;
mod undescribed;
mod week;
mod write;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

pub use action::{
    ASK_APPROVERS, ASK_HAND_OVER, ATTACH_INCIDENT, AuditEntry, CHANGE_LOCATION, CHECK_LINKS, CHECK_PULL_REQUEST, CLEAN_UP_RUN,
    ChangeLocation, CheckPullRequest, ConfirmedRemoval, DELIVER, DELIVER_NEWS, FOLLOW_FIX, Job, JobContext, LINK, LOOK_AT,
    LinkStep, LinkWait, LocationChange, LookAt, OfPull, OfSource, PAGE, PROPOSE_FIX, PageOnCall, READ_DOCUMENTS, READ_PACKAGES,
    READ_PEOPLE, RESTORE, RUN, RestoreRepository, SEND_ROUND, SHOW_FIX, SHOW_ROUND, SHOW_RUN, SYNC_SOURCE, SYNC_SOURCES,
    SyncSources, TELL_AUTHOR,
};
pub use asked::{load_asked_from_disk, save_asked_to_disk};
pub use audit::{AuditFilter, AuditLine, AuditPage, DENIED};
pub use catalog::{Change, load_parts_from_disk, save_parts_to_disk, save_sources_to_disk};
pub use channel::{ChannelSetting, load_channels_from_disk, save_channels_to_disk};
pub use checked_link::{LinkChecked, LinkTarget, NamedLink};
pub use coverage_day::CoverageDay;
pub use database::Database;
pub use delivery::{Concern, Delivery, Recorded};
pub use document::{DocumentTarget, DocumentWrite, DocumentsRead};
pub use finding::{FindingRest, FindingSpell, FindingTally, RestKind, SeenFinding};
pub use fix::{Fix, FixId, FixNews, FixState, FixedFile, FixedValue, NewFix, Reading};
pub use follow::{Follow, Followed, Synced, follow};
pub use gap::Gap;
pub use hand_over::{HandOver, HandOverId, HandOverState, NewHandOver};
pub use history::{ClaimKey, EntityPast, PastChange, StoredDocument};
pub use incident::{Incident, IncidentState, NewIncident};
pub use link::{LinkOutcome, NewLink};
pub use note::{AuthorNote, BrokenPlace, Claimant, ClaimedTwice, NoteAbout, NoteDraft, Standing};
pub use notice::{HistoryTail, NewLine, NewNotice, Notice, NoticeKind, ToldNotices};
pub use on_call::{load_on_call_from_disk, save_on_call_to_disk};
pub use onboard::{KnownMembers, Membership, Missing, MissingId, NewMembership, NewMissing, SeenStep};
pub use package::{PackageCoverage, PackageNotice, PackageOutcome, PackageTarget, Shipped};
pub use private::{Durability, PrivateError, PrivatePostgres};
pub use recent::RecentCursor;
pub use removal::{Removal, RemovalLimit, Removed, Restore, Tombstone};
pub use round::{
    Hand, HandState, NewRoundMessage, RoundEnd, RoundKey, RoundMessage, RoundStart, RoundState, Told, key_below, up,
};
pub use run::{
    Deed, DeedState, DraftId, NewDeed, NewRun, NewStep, Run, RunAct, RunChange, RunFault, RunGrip, RunId, RunLine, RunOrigin,
    RunState, RunStep, StepEnd, StepState, WantedSecret,
};
pub use sitting::{KeptSitting, SittingId};
pub use sync::{SharedClock, SourceLock, StoredFiles, StoredSource, SyncEnd, SyncState, Wrote};
pub use template::StoredTemplate;
pub use transfer::TakeOver;
pub use week::Week;
pub use write::{Applied, PageWrite};

/// How long a caller waits for a connection: a person is waiting behind it.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// What the server itself ends on each connection, so that nothing waits for ever for what is lost: a statement (the longest,
/// the whole catalog of 20,000 entities, takes seconds), a wait for somebody else's lock (whoever holds one writes a page, or
/// one line), and a transaction in which nothing is said (its holder has stopped in the middle, or is cut off). Who must wait
/// longer says so for its own transaction; migrations have none of them.
const LONGEST: [(&str, Duration); 3] = [
    ("statement_timeout", Duration::from_secs(120)),
    ("lock_timeout", Duration::from_secs(30)),
    ("idle_in_transaction_session_timeout", Duration::from_secs(120)),
];

/// The schema that the job queue keeps its tables in.
pub const QUEUE_SCHEMA: &str = "graphile_worker";

/// The database, which may be away. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Store {
    pool: Arc<OnceLock<PgPool>>,
    away: Arc<ArcSwap<Option<DateTime<Utc>>>>,
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing was written; worth another try.
    #[error("the database cannot be reached: {0}")]
    Away(String),
    /// The platform delivered an act again; what it asked for has been recorded.
    #[error("it was recorded before")]
    Claimed,
    #[error("the database refused")]
    Failed(#[source] anyhow::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_) => {
                Self::Away(error.to_string())
            }
            // Class 57: shutdown, crash shutdown, cannot connect now, and what took too long; class 08: connection exceptions;
            // then a lock that another holds for too long, and two who wait for one another.
            sqlx::Error::Database(inner)
                if inner.code().is_some_and(|code| {
                    code.starts_with("57") || code.starts_with("08") || matches!(&*code, "55P03" | "40P01" | "25P03")
                }) =>
            {
                Self::Away(error.to_string())
            }
            _ => Self::Failed(error.into()),
        }
    }
}

impl From<graphile_worker::errors::GraphileWorkerError> for StoreError {
    fn from(error: graphile_worker::errors::GraphileWorkerError) -> Self {
        Self::Failed(error.into())
    }
}

impl Store {
    /// A store that is not connected yet; [`Store::open`] connects it.
    pub fn unopened() -> Self {
        Self::default()
    }

    /// Connects and applies the migrations; starts a private server that does not run.
    ///
    /// Once it has connected, later calls only look after the private server.
    pub async fn open(&self, database: &Database, max_connections: u32) -> Result<(), StoreError> {
        let url =
            tokio::task::block_in_place(|| database.ensure_running()).map_err(|error| StoreError::Away(error.to_string()))?;
        if self.pool.get().is_some() {
            return Ok(());
        }
        let options: PgConnectOptions =
            url.expose_secret().parse().map_err(|error: sqlx::Error| StoreError::Failed(anyhow::Error::new(error)))?;
        let options = options.application_name("steward");
        // A new index may take as long as it needs, and wait for a replica that migrates already.
        let unlimited = PgPoolOptions::new().max_connections(2).connect_with(options.clone()).await?;
        let migrated = migrate(&unlimited).await;
        unlimited.close().await;
        migrated?;
        let limits: Vec<String> =
            LONGEST.iter().map(|(name, longest)| format!("set {name} = '{}s'", longest.as_secs())).collect();
        let limits: Arc<str> = limits.join("; ").into();
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .after_connect(move |connection, _| {
                let limits = Arc::clone(&limits);
                Box::pin(
                    async move { sqlx::raw_sql(sqlx::AssertSqlSafe(limits.to_string())).execute(connection).await.map(|_| ()) },
                )
            })
            .connect_with(options)
            .await?;
        let _ = self.pool.set(pool);
        Ok(())
    }

    /// Begins a transaction, to its beginning even where the caller is broken off meanwhile: sqlx would give the connection
    /// back with the transaction open, and what others write there would never be committed, and hold its locks.
    async fn begin(&self) -> Result<sqlx::Transaction<'static, sqlx::Postgres>, StoreError> {
        let pool = self.pool()?.clone();
        match tokio::spawn(async move { pool.begin().await }).await {
            Ok(begun) => Ok(begun?),
            Err(_) => Err(StoreError::Away("Steward is stopping".to_owned())),
        }
    }

    /// The pool, or that it is not there yet.
    pub(crate) fn pool(&self) -> Result<&PgPool, StoreError> {
        self.pool.get().ok_or_else(|| StoreError::Away("no connection yet".to_owned()))
    }

    /// For the job queue's loop, which brings its own queries.
    pub fn worker_database(&self) -> Result<graphile_worker::Database, StoreError> {
        Ok(self.pool()?.into())
    }

    /// Asks the database whether it is there, and remembers the answer for [`Store::away_since`].
    pub async fn check(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let asked = async { Ok(sqlx::query("select 1").execute(self.pool()?).await?) };
        let result = asked.await.map(|_| ());
        self.note(&result, now);
        result
    }

    /// Since when the database has been unreachable; `None` while it is there.
    pub fn away_since(&self) -> Option<DateTime<Utc>> {
        **self.away.load()
    }

    fn note<T>(&self, result: &Result<T, StoreError>, now: DateTime<Utc>) {
        let away = match result {
            Err(StoreError::Away(_)) => Some(self.away_since().unwrap_or(now)),
            Ok(_) | Err(StoreError::Failed(_) | StoreError::Claimed) => None,
        };
        if away != self.away_since() {
            self.away.store(Arc::new(away));
        }
    }
}

/// Brings the schema up to this version: ours, then the queue's.
async fn migrate(pool: &PgPool) -> Result<(), StoreError> {
    sqlx::migrate!("./migrations").run(pool).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::Execute(error) => StoreError::from(error),
        other => StoreError::Failed(other.into()),
    })?;
    let queue = graphile_worker::worker_utils::WorkerUtils::new(pool, QUEUE_SCHEMA);
    queue.migrate().await.map_err(|error| StoreError::Failed(anyhow::Error::msg(error.to_string())))
}
