-- Of which head the documents of each repository are stored: runbooks and docs at paths that its entities name, read after
-- the sync by a job of their own. Safe under the previous version, which reads them within the sync and knows no such table.

create table document_reads (
    source_id      text        not null,
    repository_id  bigint      not null,
    head           text        not null,  -- the commit at which they were last asked for; empty: not asked for yet
    claims_version bigint      not null,  -- the latest change to the entities that name them, as of that question
    asked_at       timestamptz not null,
    fault          text,                  -- what kept some of them from being read, asked for again later
    primary key (source_id, repository_id),
    foreign key (source_id, repository_id) references repositories (source_id, repository_id) on delete cascade
);

-- What was stored within a sync so far is the job's from now on.
insert into document_reads (source_id, repository_id, head, claims_version, asked_at)
select distinct source_id, repository_id, '', 0, now() from files where role in ('doc', 'runbook');

-- The entities that name documents are some of all, and looked for after each sync.
create index entities_naming_documents on entities (source_id, repository_id)
    where removed_at is null and document->'metadata'->'annotations' ?| array['steward.dev/runbook', 'backstage.io/techdocs-ref'];

-- A repository that is forgotten takes along what was noted of its packages.
alter table package_reads drop constraint package_reads_source_id_repository_id_fkey;
alter table package_reads add constraint package_reads_source_id_repository_id_fkey
    foreign key (source_id, repository_id) references repositories (source_id, repository_id) on delete cascade;
