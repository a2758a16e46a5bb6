-- First days in a team: who has joined, what they have seen, and what they could not find.
-- Safe under the previous version, which knows none of these tables.

-- From where memberships are known. What a source brings at first has not happened just then.
create table onboard_sources (
    source text primary key
);

-- Who is or was in which team.
create table onboard_members (
    team       text        not null,
    person     text        not null,
    joined_at  timestamptz,          -- null: was there when Steward looked first
    offered_at timestamptz,          -- the first day was offered to them, or it is too late for that
    primary key (team, person)
);
create index onboard_members_to_offer on onboard_members (joined_at) where joined_at is not null and offered_at is null;

-- What somebody has seen of a team, a row a step.
create table onboard_steps (
    person  text        not null, -- reference; where the catalog knows nobody, platform and account
    team    text        not null,
    step    text        not null,
    entity  text        not null, -- of which the step was seen
    seen_at timestamptz not null,
    primary key (person, team, step)
);

-- What somebody could not find. A finding beside those of the checks.
create table onboard_not_found (
    id        bigint      generated always as identity primary key,
    entity    text        not null,
    step      text        not null,
    trace     text        not null, -- what the catalog had then; once it has something else, it is there
    person    text,                 -- who could not find it
    name      text        not null, -- what they are called
    account   jsonb       not null, -- where they are answered
    said_at   timestamptz not null,
    asked_at  timestamptz,          -- the message to its owner stands in the ledger
    closed_at timestamptz,
    closed_by text                  -- name of who answered; null: it is there now
);
-- One a thing and step is open at a time.
create unique index onboard_not_found_open on onboard_not_found (entity, step) where closed_at is null;
