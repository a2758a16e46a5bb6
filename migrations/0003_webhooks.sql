-- What GitHub tells by itself, and what Steward tells authors. Safe under the previous version: new tables only.

-- Deliveries that were taken, so that a repeated one has no effect. GitHub gives one id to all hooks that tell of one
-- event, hence one row a source. Kept for 7 days; GitHub redelivers for 3.
create table webhook_deliveries (
    source_id   text        not null, -- no reference: the first delivery may come before the first sync
    delivery_id text        not null,
    event       text        not null,
    action      text,
    arrived_at  timestamptz not null,
    primary key (source_id, delivery_id)
);
create index webhook_deliveries_source_arrived_at on webhook_deliveries (source_id, arrived_at);
create index webhook_deliveries_arrived_at on webhook_deliveries (arrived_at);

-- What happened to a repository besides changes of files: the latest state of each thing. Kept for 14 days.
create table repository_events (
    source_id     text        not null,
    repository_id bigint      not null,
    kind          text        not null check (kind in ('deployment', 'workflow', 'merge')),
    outside_id    bigint      not null, -- GitHub's own number of the deployment, run or pull request
    at            timestamptz not null,
    title         text        not null,
    url           text,
    author        text,                 -- GitHub login
    state         text,                 -- success, failure, …; none for a merge
    environment   text,                 -- deployments only
    primary key (source_id, repository_id, kind, outside_id)
);
create index repository_events_at on repository_events (at);

-- What authors were told, so that nobody is told twice, nor too often. Kept for 90 days.
create table author_notes (
    source_id     text        not null,
    repository_id bigint      not null,
    path          text        not null,
    subject       text        not null, -- what is wrong: the content's hash, or the rival of an entity
    told_at       timestamptz not null,
    primary key (source_id, repository_id, path, subject)
);
create index author_notes_told_at on author_notes (source_id, told_at);
