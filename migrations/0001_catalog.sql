-- The catalog, its history, and the floors for everything that changes something.
-- Forward only; each migration is safe while the previous version still runs.

-- One row: the version that the latest committed change carries. Writers update it first in their transaction, so
-- the row lock makes versions commit in order and a reader that has seen version N has seen all before it.
create table catalog_clock (
    single   boolean primary key default true check (single),
    -- Tells one database from another: a snapshot on disk belongs to the database it was read from.
    identity uuid    not null default gen_random_uuid(),
    version  bigint  not null
);
insert into catalog_clock (version) values (0);

create table sources (
    id        text primary key,          -- the id in the configuration
    synced_at timestamptz,               -- last sync that changed something; later ones are announced, not written
    version   bigint not null
);

create table repositories (
    source_id     text        not null references sources (id),
    repository_id bigint      not null,  -- the source's own number, survives rename and transfer
    full_name     text        not null,
    facts         jsonb       not null,  -- catalog::Repository
    facts_hash    bytea       not null,  -- SHA-256 of the facts
    removed_at    timestamptz,           -- tombstone: gone from a complete sweep
    version       bigint      not null,
    primary key (source_id, repository_id)
);
create index repositories_version on repositories (version);

create table files (
    source_id     text        not null,
    repository_id bigint      not null,
    path          text        not null,
    role          text        not null check (role in ('descriptor', 'runbook')),
    content_hash  bytea       not null,  -- SHA-256 of the bytes last seen
    commit        text,                  -- the head at which this content was first seen
    committed_at  timestamptz,
    text          text,                  -- runbooks only; a descriptor's entities are in `entities`
    problem       jsonb,                 -- {message, line, since}: the file holds an error now
    version       bigint      not null,
    primary key (source_id, repository_id, path),
    foreign key (source_id, repository_id) references repositories (source_id, repository_id)
);
create index files_version on files (version);

-- A claim: one entity as one file declares it. Two files may claim one reference; the snapshot lets the lowest
-- repository id, then path, own it, so a conflict heals by itself when one goes.
create table entities (
    source_id     text        not null,
    repository_id bigint      not null,
    path          text        not null,
    ref           text        not null,  -- kind:namespace/name, lower case
    kind          text        not null,
    namespace     text        not null,
    name          text        not null,
    document      jsonb       not null,  -- the last good version, whole, with defaults
    relations     jsonb       not null,  -- [{type, target}] that the entity itself emits
    content_hash  bytea       not null,  -- SHA-256 of document and relations
    former_names  text[]      not null default '{}', -- names it had in this file before
    commit        text,                  -- the head at which this version was first seen
    committed_at  timestamptz,
    kept_because  jsonb,                 -- {message, since}: the file has turned bad, this version is kept
    removed_at    timestamptz,
    version       bigint      not null,
    primary key (source_id, repository_id, path, ref),
    foreign key (source_id, repository_id) references repositories (source_id, repository_id)
);
create index entities_ref on entities (ref);
create index entities_version on entities (version);

create table entity_history (
    id            bigint generated always as identity primary key,
    ref           text        not null,
    source_id     text        not null,
    repository_id bigint      not null,
    path          text        not null,
    change        text        not null check (change in ('added', 'changed', 'removed', 'restored')),
    fields        jsonb       not null,  -- {field: {"from": old, "to": new}}
    commit        text,
    committed_at  timestamptz,
    author        text,
    seen_at       timestamptz not null
);
create index entity_history_ref on entity_history (ref, id desc);

-- Who asked to change what, when. Written in the transaction that enqueues the job which does it.
create table audit (
    id       bigint generated always as identity primary key,
    at       timestamptz not null,
    platform text        not null,
    account  text        not null,
    person   text,                       -- entity reference, where the account is tied to one
    command  text        not null,
    subject  text        not null,
    detail   jsonb       not null,
    job_id   bigint,
    result   text,                       -- null while the job has not ended
    ended_at timestamptz
);
create index audit_at on audit (at desc);
