-- Which packages each repository ships, from the dependency graph of its source; and history found by an entity's name.
-- Safe under the previous version, which knows neither the tables nor the index.

-- One row a repository that was asked for its packages: the latest question, and of which head packages are stored.
create table package_reads (
    source_id     text        not null,
    repository_id bigint      not null,
    head          text        not null,  -- the commit that was the head when they were last asked for
    asked_at      timestamptz not null,
    -- read: stored. off: the source has none to give (no dependency graph, no permission), not asked again until the head
    -- changes. pending: the source is making the list. failed: it could not answer. The last two are asked again later.
    outcome       text        not null check (outcome in ('read', 'off', 'pending', 'failed')),
    note          text,                  -- off, failed: the source's words; pending: where the list will be
    read_head     text,                  -- the head that the stored packages are of; null where none are stored
    read_at       timestamptz,
    primary key (source_id, repository_id),
    foreign key (source_id, repository_id) references repositories (source_id, repository_id)
);

-- Replaced per repository, whole, in one transaction with its row in package_reads.
create table packages (
    source_id     text    not null,
    repository_id bigint  not null,
    ecosystem     text    not null,      -- the type of a package URL: npm, maven, golang
    name          text    not null,      -- as its ecosystem shows it, org.apache.logging.log4j:log4j-core
    name_key      text    not null,      -- normalised by the ecosystem's rules, for look-up
    tail_key      text    not null,      -- the last part of the key, log4j-core
    version       text    not null,      -- as the source gives it; empty where it gives none
    direct        boolean,               -- null where the source does not tell
    foreign key (source_id, repository_id) references package_reads (source_id, repository_id) on delete cascade
);
create index packages_repository on packages (source_id, repository_id);
create index packages_name on packages (name_key);
create index packages_tail on packages (tail_key);

-- Which team was told of which packages, so that nobody is told twice within a day.
create table package_notices (
    package  text        not null,       -- ecosystem and key, maven:org.apache.logging.log4j:log4j-core
    versions text        not null,       -- the range as it was written, empty for all
    team     text        not null,       -- entity reference
    told_at  timestamptz not null,
    primary key (package, versions, team)
);

-- An entity that is gone is asked for by its name.
create index entity_history_name on entity_history (split_part(ref, '/', 2));
