//! Packages that repositories ship: what is still to be asked for, what was read, and which teams were told of it.
//! Must not know ranges of versions: whoever asks filters by them.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    AuditEntry, Job, Store, StoreError,
    action::{enqueue, insert_audit},
};
use crate::{
    catalog::{EntityRef, version::Package},
    chat::Message,
};

/// A list that was being made is asked for again after this.
const RETRY_PENDING: TimeDelta = TimeDelta::seconds(30);
/// A source that could not answer for a repository is asked again after this: it will not be well in a minute.
const RETRY_FAILED: TimeDelta = TimeDelta::hours(1);
/// Nobody is told twice of the same within this time.
const TOLD_ONCE_IN: TimeDelta = TimeDelta::hours(24);
/// Versions read for one question; a package in every one of 20,000 repositories stays within.
const MOST_SHIPPED: i64 = 50_000;

/// A repository whose packages are to be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageTarget {
    pub repository_id: i64,
    pub full_name: String,
    pub head: String,
    /// Where the source said that the list would be.
    pub pending: Option<String>,
}

/// How a question for packages ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PackageOutcome<'a> {
    Read(&'a [Package]),
    /// There are none to have, and the source's words for it.
    Off(&'a str),
    /// Where the list will be.
    Pending(&'a str),
    /// What was stored before stays.
    Failed(&'a str),
}

/// A version of a package in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipped {
    pub source: String,
    pub repository_id: i64,
    pub repository: String,
    pub archived: bool,
    pub package: Package,
    pub key: String,
}

/// Of how many repositories the packages are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PackageCoverage {
    /// Repositories that describe something, of sources that were asked for packages.
    pub repositories: i64,
    pub covered: i64,
    /// Those whose source said that it has none to give.
    pub off: i64,
    pub newest: Option<DateTime<Utc>>,
    pub oldest: Option<DateTime<Utc>>,
}

/// One team's message about packages.
#[derive(Debug, Clone, PartialEq)]
pub struct PackageNotice {
    pub team: EntityRef,
    pub audit: AuditEntry,
    pub message: Message,
}

impl Store {
    /// Loads repositories whose head is not the one that packages were asked of, those never asked first.
    pub async fn load_package_targets(
        &self,
        source_id: &str,
        now: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<PackageTarget>, StoreError> {
        let rows = sqlx::query!(
            r#"select r.repository_id, r.full_name, r.facts->'head'->>'sha' as "head!",
                      case when p.outcome = 'pending' and p.head = r.facts->'head'->>'sha' then p.note end as pending
               from repositories r left join package_reads p using (source_id, repository_id)
               where r.source_id = $1 and r.removed_at is null and r.facts->'head'->>'sha' is not null
                 and r.facts->>'excluded' is null
                 and exists (select from entities e where e.source_id = r.source_id
                             and e.repository_id = r.repository_id and e.removed_at is null)
                 and (p.head is distinct from r.facts->'head'->>'sha'
                      or (p.outcome = 'pending' and p.asked_at <= $2) or (p.outcome = 'failed' and p.asked_at <= $3))
               order by p.asked_at nulls first, r.repository_id limit $4"#,
            source_id,
            now - RETRY_PENDING,
            now - RETRY_FAILED,
            limit
        );
        let targets = rows.fetch_all(self.pool()?).await?.into_iter().map(|row| PackageTarget {
            repository_id: row.repository_id,
            full_name: row.full_name,
            head: row.head,
            pending: row.pending,
        });
        Ok(targets.collect())
    }

    /// Writes how a question ended; packages that were read replace the former ones whole.
    pub async fn write_packages(
        &self,
        source_id: &str,
        target: &PackageTarget,
        now: DateTime<Utc>,
        outcome: PackageOutcome<'_>,
    ) -> Result<(), StoreError> {
        let (word, note) = match outcome {
            PackageOutcome::Read(_) => ("read", None),
            PackageOutcome::Off(why) => ("off", Some(why)),
            PackageOutcome::Pending(url) => ("pending", Some(url)),
            PackageOutcome::Failed(why) => ("failed", Some(why)),
        };
        let mut transaction = self.begin().await?;
        // Read and off say what is so now; the others leave what is stored.
        sqlx::query!(
            "insert into package_reads (source_id, repository_id, head, asked_at, outcome, note, read_head, read_at)
             values ($1, $2, $3::text, $4::timestamptz, $5::text, $6, case when $5 = 'read' then $3 end,
                     case when $5 = 'read' then $4 end)
             on conflict (source_id, repository_id) do update set
                head = excluded.head, asked_at = excluded.asked_at, outcome = excluded.outcome, note = excluded.note,
                read_head = case when excluded.outcome in ('read', 'off') then excluded.read_head
                            else package_reads.read_head end,
                read_at = case when excluded.outcome in ('read', 'off') then excluded.read_at
                          else package_reads.read_at end",
            source_id,
            target.repository_id,
            target.head,
            now,
            word,
            note
        )
        .execute(&mut *transaction)
        .await?;
        let packages = match outcome {
            PackageOutcome::Read(packages) => packages,
            PackageOutcome::Off(_) => &[],
            PackageOutcome::Pending(_) | PackageOutcome::Failed(_) => {
                transaction.commit().await?;
                return Ok(());
            }
        };
        sqlx::query!("delete from packages where source_id = $1 and repository_id = $2", source_id, target.repository_id)
            .execute(&mut *transaction)
            .await?;
        let ecosystems: Vec<&str> = packages.iter().map(|package| package.ecosystem.as_str()).collect();
        let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
        let keys: Vec<String> = packages.iter().map(Package::key).collect();
        let tails: Vec<String> = packages.iter().map(Package::tail).collect();
        let versions: Vec<&str> = packages.iter().map(|package| package.version.as_str()).collect();
        let direct: Vec<Option<bool>> = packages.iter().map(|package| package.direct).collect();
        sqlx::query!(
            "insert into packages (source_id, repository_id, ecosystem, name, name_key, tail_key, version, direct)
             select $1, $2, * from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bool[])",
            source_id,
            target.repository_id,
            &ecosystems as _,
            &names as _,
            &keys as _,
            &tails as _,
            &versions as _,
            &direct as _
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Every version of the packages that have one of these keys, or whose last part is one, where an ecosystem is named
    /// only there.
    pub async fn find_packages(&self, keys: &[String], ecosystem: Option<&str>) -> Result<Vec<Shipped>, StoreError> {
        let rows = sqlx::query!(
            r#"select p.source_id, p.repository_id, r.full_name, coalesce((r.facts->>'archived')::bool, false) as "archived!",
                      p.ecosystem, p.name, p.name_key, p.version, p.direct
               from packages p join repositories r using (source_id, repository_id)
               where (p.name_key = any($1) or p.tail_key = any($1)) and ($2::text is null or p.ecosystem = $2)
                 and r.removed_at is null
               order by p.source_id, p.repository_id, p.version limit $3"#,
            keys,
            ecosystem,
            MOST_SHIPPED
        );
        let shipped = rows.fetch_all(self.pool()?).await?.into_iter().map(|row| Shipped {
            source: row.source_id,
            repository_id: row.repository_id,
            repository: row.full_name,
            archived: row.archived,
            package: Package { ecosystem: row.ecosystem, name: row.name, version: row.version, direct: row.direct },
            key: row.name_key,
        });
        Ok(shipped.collect())
    }

    /// Of how many repositories packages are known, among sources that were ever asked for them.
    pub async fn load_package_coverage(&self) -> Result<PackageCoverage, StoreError> {
        let row = sqlx::query!(
            r#"select count(*) as "repositories!", count(p.read_at) as "covered!",
                      count(*) filter (where p.outcome = 'off') as "off!",
                      max(p.read_at) as newest, min(p.read_at) as oldest
               from repositories r left join package_reads p using (source_id, repository_id)
               where r.removed_at is null and r.facts->>'excluded' is null
                 and r.source_id in (select source_id from package_reads)
                 and exists (select from entities e where e.source_id = r.source_id
                             and e.repository_id = r.repository_id and e.removed_at is null)"#
        )
        .fetch_one(self.pool()?)
        .await?;
        let (newest, oldest) = (row.newest, row.oldest);
        Ok(PackageCoverage { repositories: row.repositories, covered: row.covered, off: row.off, newest, oldest })
    }

    /// Sends each team its message and writes down that it was asked for, in one transaction; whoever was told of the same
    /// within a day is left out. Gives the teams that are told now.
    pub async fn tell_teams(
        &self,
        package: &str,
        versions: &str,
        now: DateTime<Utc>,
        notices: Vec<PackageNotice>,
    ) -> Result<Vec<EntityRef>, StoreError> {
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        let mut told = Vec::new();
        for notice in notices {
            let is_due = sqlx::query_scalar!(
                "insert into package_notices (package, versions, team, told_at) values ($1, $2, $3, $4)
                 on conflict (package, versions, team) do update set told_at = excluded.told_at
                 where package_notices.told_at <= $5 returning team",
                package,
                versions,
                notice.team.as_str(),
                now,
                now - TOLD_ONCE_IN
            )
            .fetch_optional(&mut *transaction)
            .await?;
            if is_due.is_none() {
                continue;
            }
            let audit_id = insert_audit(&mut transaction, &notice.audit).await?;
            enqueue(pool, &mut transaction, Job::Deliver(notice.message), Some(audit_id)).await?;
            told.push(notice.team);
        }
        transaction.commit().await?;
        Ok(told)
    }
}
