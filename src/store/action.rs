//! Everything that changes something: the audit line and the job that does it, in one transaction.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use graphile_worker::{JobKeyMode, JobSpec, JobSpecBuilder, worker_utils::WorkerUtils};
use serde::{Deserialize, Serialize};

use super::{
    Store, StoreError,
    claim::{ClaimOf, claim},
    fix::FixId,
    hand_over::HandOverId,
    incident::NewIncident,
    note::AuthorNote,
    round::RoundKey,
    run::RunId,
};
use crate::{
    catalog::{EntityRef, RepositoryKey, live::ScheduleKey},
    chat::{Account, Message, Place, Urgency, limits::cut},
};

/// The queue's name for [`Job::SyncSources`].
pub const SYNC_SOURCES: &str = "sync_sources";
/// The queue's name for [`Job::Deliver`] where somebody waits for the message.
pub const DELIVER: &str = "deliver";
/// The queue's name for [`Job::Deliver`] of news.
pub const DELIVER_NEWS: &str = "deliver_news";

/// The queue's name for [`Job::Link`].
pub const LINK: &str = "link";

/// The queue's name for [`Job::LookAt`].
pub const LOOK_AT: &str = "look_at";

/// The queue's name for [`Job::Restore`].
pub const RESTORE: &str = "restore_repository";
/// The queue's name for [`Job::SyncSource`].
pub const SYNC_SOURCE: &str = "sync_source";

/// The queue's name for [`Job::ReadPeople`].
pub const READ_PEOPLE: &str = "read_people";

/// The queue's name for [`Job::CheckPullRequest`].
pub const CHECK_PULL_REQUEST: &str = "check_pull_request";

/// The queue's name for [`Job::TellAuthor`].
pub const TELL_AUTHOR: &str = "tell_author";
/// The queue's name for [`Job::ChangeLocation`].
pub const CHANGE_LOCATION: &str = "change_location";
/// The queue's name for [`Job::ReadPackages`].
pub const READ_PACKAGES: &str = "read_packages";

/// The queue's name for [`Job::Page`].
pub const PAGE: &str = "page_on_call";
/// The queue's name for [`Job::AttachIncident`].
pub const ATTACH_INCIDENT: &str = "attach_incident";

/// The queue's name for [`Job::ReadDocuments`].
pub const READ_DOCUMENTS: &str = "read_documents";

/// The queue's name for [`Job::Run`].
pub const RUN: &str = "run_template";
/// The queue's name for [`Job::CleanUpRun`].
pub const CLEAN_UP_RUN: &str = "clean_up_run";
/// The queue's name for [`Job::ShowRun`].
pub const SHOW_RUN: &str = "show_run";
/// The queue's name for [`Job::SendRound`].
pub const SEND_ROUND: &str = "send_round";
/// The queue's name for [`Job::AskApprovers`].
pub const ASK_APPROVERS: &str = "ask_approvers";

/// A run of which the database takes no word is tried again for some half an hour; dead replicas are not counted here.
const RUN_TRIES: i16 = 8;
/// The queue's name for [`Job::ProposeFix`].
pub const PROPOSE_FIX: &str = "propose_fix";
/// The queue's name for [`Job::ShowRound`].
pub const SHOW_ROUND: &str = "show_round";
/// The queue's name for [`Job::ShowFix`].
pub const SHOW_FIX: &str = "show_fix";
/// The queue's name for [`Job::FollowFix`].
pub const FOLLOW_FIX: &str = "follow_fix";
/// The queue's name for [`Job::AskHandOver`].
pub const ASK_HAND_OVER: &str = "ask_hand_over";

/// As often as replicas may die with one message.
const ROUND_TRIES: i16 = 1_000;
/// The queue's name for [`Job::CheckLinks`].
pub const CHECK_LINKS: &str = "check_links";

/// Of a subject in a claim: PostgreSQL's keys have some 2,700 bytes.
const LONGEST_SUBJECT: usize = 500;

/// Lists of packages, and documents, come after everything else.
const UNHURRIED: i16 = 10;

/// With the queue's growing pauses most of a day: longer than platforms are away, shorter than news are news.
const DELIVERY_TRIES: i16 = 12;

/// Looks come before syncs: somebody has just changed that repository.
const URGENT: i16 = -10;

/// Who asked to change what.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    pub at: DateTime<Utc>,
    pub account: Account,
    pub person: Option<EntityRef>,
    pub command: String,
    pub subject: String,
    pub detail: serde_json::Value,
    /// The platform's number of the act: what it delivers again is refused as [`StoreError::Claimed`].
    pub delivery: Option<String>,
}

/// What is done later, once, by any replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    SyncSources(SyncSources),
    Restore(RestoreRepository),
    Deliver(Message),
    /// The platform takes it no sooner.
    DeliverLater(Message, TimeDelta),
    LookAt(LookAt),
    Link(LinkStep),
    /// All of one source, because something was heard of it as a whole.
    SyncSource(OfSource),
    /// Teams and members of one source.
    ReadPeople {
        of: OfSource,
        not_before: DateTime<Utc>,
    },
    CheckPullRequest(CheckPullRequest),
    TellAuthor(AuthorNote),
    ChangeLocation(ChangeLocation),
    /// The packages of repositories whose head is not the one they are of; not before so much time has passed, since a
    /// head that has just changed may change again.
    ReadPackages(OfSource, TimeDelta),
    /// The documents that entities name, where a head or an entity is not the one they are of; after so much time.
    ReadDocuments(OfSource, TimeDelta),
    /// The links that entities and documents name; after so much time.
    CheckLinks(TimeDelta),
    /// Somebody is woken.
    Page(PageOnCall),
    AttachIncident(NewIncident),
    /// A template's steps are done, from where they stand.
    Run(RunId),
    /// What a run made is taken back.
    CleanUpRun(RunId),
    /// The message that shows a run is drawn anew.
    ShowRun(RunId),
    /// Those who must agree to a run are asked.
    AskApprovers(RunId),
    /// A message of a round that stands in the ledger leaves, once.
    SendRound(RoundKey),
    /// A message of a round is drawn anew.
    ShowRound(RoundKey),
    /// A pull request is made that mends findings.
    ProposeFix(FixId),
    /// The message that shows a fix is drawn anew.
    ShowFix(FixId),
    /// A pull request was closed, or is due to be looked at: it may be a fix.
    FollowFix(OfPull),
    /// Whoever a finding was handed to is asked.
    AskHandOver(HandOverId),
}

/// Somebody is to be woken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageOnCall {
    pub schedule: ScheduleKey,
    /// The entity's reference, and what people call it.
    pub entity: String,
    pub label: String,
    pub title: String,
    pub details: String,
    pub requested_by: String,
    /// The same at each attempt.
    pub key: String,
    pub account: Account,
    pub place: Option<Place>,
}

/// A step on the way to a chat account tied to a GitHub login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkStep {
    pub account: Account,
    pub place: Option<Place>,
    /// What GitHub waits for the person with; none yet at the first step.
    pub waiting: Option<LinkWait>,
}

/// GitHub waits for a person to enter a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkWait {
    /// Of no use to anybody after it has expired.
    pub device_code: String,
    pub interval_secs: u64,
    pub expires_at: DateTime<Utc>,
    /// Not asked again before.
    pub next_at: DateTime<Utc>,
}

/// An address of a single descriptor that shall be read from now on, or no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeLocation {
    pub change: LocationChange,
    pub url: String,
    pub requested_by: Account,
    pub place: Option<Place>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LocationChange {
    Add,
    Remove,
}

/// Work on one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfSource {
    pub source: String,
}

/// The descriptors that a pull request changes are to be checked, and its author told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckPullRequest {
    pub source: String,
    pub repository: RepositoryKey,
    pub number: i64,
}

/// A pull request by its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfPull {
    pub source: String,
    pub repository_id: i64,
    pub number: i64,
}

/// A repository to be compared with what is stored, because something was heard of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookAt {
    pub source: String,
    pub repository: RepositoryKey,
}

/// A job's payload: what to do, and the audit line that asked for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobContext<T> {
    pub audit_id: Option<i64>,
    pub work: T,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncSources {
    pub requested_by: Account,
    pub place: Option<Place>,
    /// A removal that was held back and may now be carried out; then only its source is read, whole.
    #[serde(default)]
    pub confirmed: Option<ConfirmedRemoval>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmedRemoval {
    pub source: String,
    /// The number that was confirmed; more than that waits again.
    pub up_to: usize,
}

/// A removed repository that shall answer again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreRepository {
    /// `acme/payments-api`.
    pub full_name: String,
    pub requested_by: Account,
    pub place: Option<Place>,
}

impl Store {
    /// Writes the audit line and enqueues the job in one transaction: both or neither.
    pub async fn record_action(&self, audit: AuditEntry, job: Option<Job>) -> Result<(), StoreError> {
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        let audit_id = insert_audit(&mut transaction, &audit).await?;
        match job {
            Some(job) => {
                let job_id = enqueue(pool, &mut transaction, job, Some(audit_id)).await?;
                sqlx::query!("update audit set job_id = $2 where id = $1", audit_id, job_id).execute(&mut *transaction).await?;
            }
            None => written_down(&mut transaction, audit_id).await?,
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Enqueues work that no person asked for.
    pub async fn enqueue_job(&self, job: Job) -> Result<(), StoreError> {
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        enqueue(pool, &mut transaction, job, None).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Enqueues a message that Steward sends of itself.
    pub async fn enqueue_message(&self, message: Message) -> Result<(), StoreError> {
        self.enqueue_job(Job::Deliver(message)).await
    }

    /// Has a job that runs begin again no sooner, once it has failed, and without counting this try; those that wait behind
    /// it wait on. False where it is not to begin again: another has taken its place meanwhile.
    pub async fn postpone_job(&self, job_id: i64, wait: Duration) -> Result<bool, StoreError> {
        // The queue adds e to the power of the tries that count, here none: a second. Not checked by the compiler: the queue
        // brings its own migrations.
        let postponed = sqlx::query(
            "update graphile_worker._private_jobs
             set attempts = 0, run_at = now() + make_interval(secs => $2 - 1)
             where id = $1 and attempts < max_attempts",
        )
        .bind(job_id)
        .bind(wait.as_secs_f64())
        .execute(self.pool()?)
        .await?;
        self.hold_turn(job_id, wait).await?;
        Ok(postponed.rows_affected() > 0)
    }

    /// Has whatever waits behind a job in the same named queue wait for so long at least, in the same order.
    pub async fn hold_turn(&self, job_id: i64, wait: Duration) -> Result<(), StoreError> {
        sqlx::query(
            "update graphile_worker._private_jobs as behind
             set run_at = greatest(behind.run_at, now() + make_interval(secs => $2 + least(behind.id - this.id, 10000) / 1e6))
             from graphile_worker._private_jobs as this
             where this.id = $1 and behind.job_queue_id = this.job_queue_id and behind.id > this.id and behind.locked_at is null",
        )
        .bind(job_id)
        .bind(wait.as_secs_f64())
        .execute(self.pool()?)
        .await?;
        Ok(())
    }

    /// Writes an action's end, and enqueues the message that tells of it, in one transaction.
    pub async fn finish_action(
        &self,
        audit_id: Option<i64>,
        now: DateTime<Utc>,
        result: &str,
        message: Option<Message>,
    ) -> Result<(), StoreError> {
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        if let Some(audit_id) = audit_id {
            sqlx::query!("update audit set result = $2, ended_at = $3 where id = $1", audit_id, result, now)
                .execute(&mut *transaction)
                .await?;
        }
        if let Some(message) = message {
            enqueue(pool, &mut transaction, Job::Deliver(message), None).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// Claims the act and writes its audit line, in the caller's transaction.
pub(super) async fn insert_audit(connection: &mut sqlx::PgConnection, audit: &AuditEntry) -> Result<i64, StoreError> {
    if let Some(delivery) = &audit.delivery {
        // One delivery may lead to several acts: a word to each of three teams.
        let act = format!("{delivery} {} {}", audit.command, cut(&audit.subject, LONGEST_SUBJECT));
        if !claim(connection, ClaimOf::Act, audit.account.platform, &act, audit.at).await? {
            return Err(StoreError::Claimed);
        }
    }
    let id = sqlx::query_scalar!(
        "insert into audit (at, platform, account, person, command, subject, detail)
         values ($1, $2, $3, $4, $5, $6, $7) returning id",
        audit.at,
        audit.account.platform.as_str(),
        audit.account.id,
        audit.person.as_ref().map(EntityRef::as_str),
        audit.command,
        audit.subject,
        audit.detail
    )
    .fetch_one(connection)
    .await?;
    Ok(id)
}

/// Nothing is left to do for it: the line itself was the act, or what follows has a story of its own.
pub(super) async fn written_down(connection: &mut sqlx::PgConnection, audit_id: i64) -> Result<(), StoreError> {
    sqlx::query!("update audit set result = 'written down', ended_at = at where id = $1", audit_id).execute(connection).await?;
    Ok(())
}

pub(super) async fn enqueue(
    pool: &sqlx::PgPool,
    transaction: &mut sqlx::PgConnection,
    job: Job,
    audit_id: Option<i64>,
) -> Result<i64, StoreError> {
    // The queue compares with the database's clock, not with ours.
    let mut run_at = None;
    if let Job::ReadPackages(_, after) | Job::ReadDocuments(_, after) | Job::DeliverLater(_, after) | Job::CheckLinks(after) =
        &job
    {
        let now = sqlx::query_scalar!(r#"select now() as "now!""#).fetch_one(&mut *transaction).await?;
        run_at = Some(now + *after);
    }
    if let Job::Deliver(message) = &job
        && message.urgency == Urgency::Told
        && message.replaces.is_none()
    {
        // Behind what waits for the same channel, which may have been put off.
        let last = "select max(run_at) + interval '1 microsecond' from graphile_worker._private_jobs as jobs
                    join graphile_worker._private_job_queues as queues on queues.id = jobs.job_queue_id
                    where queues.queue_name = $1 and jobs.attempts < jobs.max_attempts and jobs.run_at > now()";
        run_at = sqlx::query_scalar(last).bind(turn_of(message)).fetch_one(&mut *transaction).await?;
    }
    let queue = WorkerUtils::new(pool, super::QUEUE_SCHEMA);
    let mut queue = queue.with_executor(transaction);
    let job = match job {
        Job::Page(work) => {
            // Tried again only where a replica died with it; the provider knows the key.
            let spec = JobSpecBuilder::new().priority(URGENT).max_attempts(3).build();
            queue.add_raw_job(PAGE, JobContext { audit_id, work }, spec).await?
        }
        Job::AttachIncident(work) => {
            let spec = JobSpecBuilder::new().priority(URGENT).max_attempts(12).build();
            queue.add_raw_job(ATTACH_INCIDENT, JobContext { audit_id, work }, spec).await?
        }
        Job::Run(work) => {
            let spec = JobSpecBuilder::new().job_key(format!("run:{work}")).max_attempts(RUN_TRIES).build();
            queue.add_raw_job(RUN, JobContext { audit_id, work }, spec).await?
        }
        Job::CleanUpRun(work) => {
            let spec = JobSpecBuilder::new().job_key(format!("clean-up:{work}")).max_attempts(5).build();
            queue.add_raw_job(CLEAN_UP_RUN, JobContext { audit_id, work }, spec).await?
        }
        Job::AskApprovers(work) => {
            let spec = JobSpecBuilder::new().job_key(format!("approvers:{work}")).max_attempts(DELIVERY_TRIES).build();
            queue.add_raw_job(ASK_APPROVERS, JobContext { audit_id, work }, spec).await?
        }
        Job::SendRound(work) => {
            // The ledger says what has left; that replicas die with it is no reason to give it up.
            let key = format!("round:{}:{}", work.team, work.round);
            let spec = JobSpecBuilder::new().job_key(key).job_key_mode(JobKeyMode::PreserveRunAt).max_attempts(ROUND_TRIES);
            queue.add_raw_job(SEND_ROUND, JobContext { audit_id, work }, spec.build()).await?
        }
        Job::ShowRun(work) => {
            // Only the last state counts; what runs already may have read too early, so another waits behind it.
            let turn = format!("run:{work}");
            let spec = JobSpecBuilder::new().job_key(format!("show:{work}")).queue_name(turn).max_attempts(DELIVERY_TRIES);
            queue.add_raw_job(SHOW_RUN, JobContext { audit_id, work }, spec.priority(URGENT).build()).await?
        }
        Job::ProposeFix(work) => {
            let spec = JobSpecBuilder::new().job_key(format!("fix:{work}")).max_attempts(DELIVERY_TRIES).build();
            queue.add_raw_job(PROPOSE_FIX, JobContext { audit_id, work }, spec).await?
        }
        Job::ShowFix(work) => {
            // As of runs: only the last state counts, and one after the other.
            let turn = format!("fix:{work}");
            let spec = JobSpecBuilder::new().job_key(format!("show-fix:{work}")).queue_name(turn).max_attempts(DELIVERY_TRIES);
            queue.add_raw_job(SHOW_FIX, JobContext { audit_id, work }, spec.priority(URGENT).build()).await?
        }
        Job::ShowRound(work) => {
            let turn = format!("show-round:{}:{}", work.team, work.round);
            let spec = JobSpecBuilder::new().job_key(turn.clone()).queue_name(turn).max_attempts(DELIVERY_TRIES).build();
            queue.add_raw_job(SHOW_ROUND, JobContext { audit_id, work }, spec).await?
        }
        Job::FollowFix(work) => {
            let key = format!("follow-fix:{}:{}:{}", work.source, work.repository_id, work.number);
            let spec = JobSpecBuilder::new().job_key(key).max_attempts(DELIVERY_TRIES).build();
            queue.add_raw_job(FOLLOW_FIX, JobContext { audit_id, work }, spec).await?
        }
        Job::AskHandOver(work) => {
            let spec = JobSpecBuilder::new().job_key(format!("hand-over:{}", work.0)).max_attempts(DELIVERY_TRIES).build();
            queue.add_raw_job(ASK_HAND_OVER, JobContext { audit_id, work }, spec).await?
        }
        Job::Restore(work) => {
            let spec = JobSpecBuilder::new().max_attempts(3).build();
            queue.add_raw_job(RESTORE, JobContext { audit_id, work }, spec).await?
        }
        Job::SyncSources(work) => {
            // One at a time: two syncs of the same sources would only wait for one another's row locks.
            let spec = JobSpecBuilder::new().queue_name("sync").max_attempts(3).build();
            queue.add_raw_job(SYNC_SOURCES, JobContext { audit_id, work }, spec).await?
        }
        Job::Deliver(message) | Job::DeliverLater(message, _) => {
            let spec = JobSpecBuilder::new().max_attempts(DELIVERY_TRIES);
            let spec = match run_at {
                Some(at) => spec.run_at(at),
                None => spec,
            };
            let turn = turn_of(&message);
            // A state that waits is replaced by the next, which does not wait longer for it. What runs has been taken out of
            // the queue's sight by then, so the next one waits for its end: else the older might arrive last.
            let spec = match message.key() {
                Some(key) => spec.job_key(key).job_key_mode(JobKeyMode::PreserveRunAt).queue_name(format!("update:{turn}")),
                None => spec,
            };
            match message.urgency {
                Urgency::Asked => queue.add_raw_job(DELIVER, JobContext { audit_id, work: message }, spec.build()).await?,
                Urgency::Told => {
                    let spec = if message.replaces.is_some() { spec } else { spec.queue_name(turn) };
                    queue.add_raw_job(DELIVER_NEWS, JobContext { audit_id, work: message }, spec.build()).await?
                }
            }
        }
        Job::Link(work) => {
            // Steps are short, so that people who take their time hold up nobody.
            let spec = JobSpecBuilder::new().max_attempts(5);
            let spec = match &work.waiting {
                Some(waiting) => spec.run_at(waiting.next_at),
                None => spec,
            };
            queue.add_raw_job(LINK, JobContext { audit_id, work }, spec.build()).await?
        }
        Job::LookAt(work) => {
            // Of several that wait one is enough; one that runs already may have asked too early, so another waits beside it.
            let key = format!("look:{}:{}", work.source, work.repository.id);
            let spec = JobSpecBuilder::new().job_key(key).priority(URGENT).max_attempts(12).build();
            queue.add_raw_job(LOOK_AT, JobContext { audit_id, work }, spec).await?
        }
        Job::SyncSource(work) => {
            let key = format!("sync:{}", work.source);
            let spec = JobSpecBuilder::new().job_key(key).queue_name("sync").max_attempts(3).build();
            queue.add_raw_job(SYNC_SOURCE, JobContext { audit_id, work }, spec).await?
        }
        Job::ReadPeople { of: work, not_before } => {
            let key = format!("people:{}", work.source);
            // The first event sets the time: with a later one moving it on, an organisation at work would never be read.
            let spec = JobSpecBuilder::new().job_key(key).job_key_mode(JobKeyMode::PreserveRunAt);
            let spec = spec.run_at(not_before).max_attempts(3).build();
            queue.add_raw_job(READ_PEOPLE, JobContext { audit_id, work }, spec).await?
        }
        Job::ChangeLocation(work) => {
            let spec = JobSpecBuilder::new().queue_name("sync").max_attempts(3).build();
            queue.add_raw_job(CHANGE_LOCATION, JobContext { audit_id, work }, spec).await?
        }
        Job::CheckPullRequest(work) => {
            let key = format!("pull:{}:{}:{}", work.source, work.repository.id, work.number);
            let spec = JobSpecBuilder::new().job_key(key).max_attempts(12).build();
            queue.add_raw_job(CHECK_PULL_REQUEST, JobContext { audit_id, work }, spec).await?
        }
        Job::TellAuthor(work) => {
            let spec = JobSpecBuilder::new().max_attempts(6).build();
            queue.add_raw_job(TELL_AUTHOR, JobContext { audit_id, work }, spec).await?
        }
        Job::ReadPackages(work, _) => {
            let spec = unhurried("packages", &work.source, run_at);
            queue.add_raw_job(READ_PACKAGES, JobContext { audit_id, work }, spec).await?
        }
        Job::ReadDocuments(work, _) => {
            let spec = unhurried("documents", &work.source, run_at);
            queue.add_raw_job(READ_DOCUMENTS, JobContext { audit_id, work }, spec).await?
        }
        Job::CheckLinks(_) => {
            let spec = unhurried("links", "all", run_at);
            queue.add_raw_job(CHECK_LINKS, JobContext { audit_id, work: () }, spec).await?
        }
    };
    Ok(*job.id())
}

/// One for each source waits at a time, and one for all runs.
fn unhurried(what: &str, source: &str, run_at: Option<DateTime<Utc>>) -> JobSpec {
    let spec = JobSpecBuilder::new().job_key(format!("{what}:{source}")).queue_name(what);
    // One that waits keeps its time: with a push every few seconds it would never come.
    let spec = spec.job_key_mode(JobKeyMode::PreserveRunAt).priority(UNHURRIED).max_attempts(3);
    match run_at {
        Some(at) => spec.run_at(at).build(),
        None => spec.build(),
    }
}

/// The named queue of what is said in one place.
fn turn_of(message: &Message) -> String {
    format!("{}:{}", message.platform.as_str(), message.to)
}
