-- Runs of Software Templates: what was asked, each step as it was done, and each deed outside before it was done.
-- Safe under the previous version, which knows none of these tables.

create table runs (
    id                  bigint generated always as identity primary key,
    -- Told to what a run makes, so that it can be told from what was there before.
    marker              uuid        not null default gen_random_uuid(),
    template            text        not null, -- template:default/typescript-service
    title               text        not null,
    document            jsonb       not null, -- the template as it was when the run was asked for
    origin              jsonb       not null, -- where the template was read: {source, repository_id, repository, path, commit}
    parameters          jsonb       not null, -- the form's values; secrets are never among them
    user_entity         jsonb       not null, -- {ref, entity} of who asked, as expressions see it
    account             jsonb       not null,
    person              text,                 -- entity reference, where the account is tied to one
    place               jsonb,                -- the conversation in which it was asked for
    approvers           text,                 -- who must agree; null: nobody
    decided_by          text,                 -- who agreed or declined
    decided_at          timestamptz,
    secrets             jsonb       not null default '[]', -- names and titles of those to be entered
    sealed              bytea,                -- the secrets, encrypted; gone at the run's end
    state               text        not null check (state in
        ('approval', 'secrets', 'queued', 'running', 'failed', 'unknown', 'done', 'cancelled')),
    reason              text,                 -- why it is not done
    output              jsonb,                -- links and texts of the template, filled in
    -- One higher with each replica that takes the run; what an earlier one still writes is refused.
    epoch               bigint      not null default 0,
    cancel_requested_at timestamptz,
    posted              jsonb,                -- the message that shows its progress: {channel, ts}
    created_at          timestamptz not null,
    began_at            timestamptz,
    ended_at            timestamptz
);
create index runs_open on runs (state) where state not in ('done', 'cancelled');

create table run_steps (
    run_id   bigint  not null references runs (id) on delete cascade,
    position integer not null,               -- from 0, in the template's order
    id       text    not null,
    name     text    not null,
    action   text    not null,
    state    text    not null default 'waiting' check (state in
        ('waiting', 'running', 'done', 'skipped', 'warned', 'failed', 'unknown', 'marked')),
    inputs   jsonb   not null default '[]',  -- of each round, secrets out of sight
    output   jsonb   not null default '{}',
    log      jsonb   not null default '[]',  -- lines
    warnings jsonb   not null default '[]',  -- lines
    error    text,
    began_at timestamptz,
    ended_at timestamptz,
    primary key (run_id, position)
);

-- What is done outside: the row comes before the deed, so that whoever takes the run over knows what may have happened.
create table run_deeds (
    id          bigint generated always as identity primary key,
    run_id      bigint      not null references runs (id) on delete cascade,
    position    integer     not null,        -- the step's
    round       integer     not null,        -- of a step that is repeated, from 0
    what        text        not null,        -- repository, push, pull-request, …
    target      text        not null,        -- acme/shop
    detail      jsonb       not null,
    state       text        not null default 'intended' check (state in ('intended', 'done', 'not-done', 'undone', 'kept')),
    result      jsonb       not null default '{}',
    intended_at timestamptz not null,
    settled_at  timestamptz,
    unique (run_id, position, round, what, target)
);

-- The workspace as it was after a step: a tar of it, packed.
create table run_workspaces (
    run_id   bigint  primary key references runs (id) on delete cascade,
    position integer not null,
    archive  bytea   not null
);

-- Answers of a form that are too long to travel in it.
create table run_drafts (
    id         bigint generated always as identity primary key,
    account    text        not null,         -- platform and id
    template   text        not null,
    answers    jsonb       not null,
    created_at timestamptz not null
);
create index run_drafts_created_at on run_drafts (created_at);

-- Templates are read whole whenever the catalog has changed.
create index entities_templates on entities (source_id, repository_id) where kind = 'template';
