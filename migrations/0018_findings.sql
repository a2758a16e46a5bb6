-- What is wrong with entries, whom it was said to, and what came of it.
-- Safe under the previous version, which knows none of these tables.

-- One row for each time that a thing was wrong: opened when it was first seen, closed when it was no longer.
create table findings (
    id        bigint      generated always as identity primary key,
    key       text        not null, -- CHECK:ENTITY, the same each time
    check_id  text        not null,
    entity    text        not null,
    team      text,                 -- who answered for it when it was last seen; null: nobody
    severity  text        not null,
    detail    text        not null,
    opened_at timestamptz not null,
    closed_at timestamptz
);
create unique index findings_open on findings (key) where closed_at is null;
create index findings_closed_at on findings (closed_at) where closed_at is not null;
create index findings_entity on findings (entity);

-- Why an open finding is left alone for a while.
create table finding_rests (
    key         text        primary key,
    kind        text        not null check (kind in ('snoozed', 'exempt')),
    until       timestamptz not null,
    reason      text        not null default '',
    asked_by    text        not null, -- name of who asked for it
    approved_by text,                 -- of who agreed, where that is somebody else
    at          timestamptz not null
);

-- Whom somebody named instead of themselves, and what they said.
create table finding_hand_overs (
    id          bigint      generated always as identity primary key,
    key         text        not null,
    from_owner  text,
    to_owner    text,                 -- null: the list of people who settle what nobody takes
    evidence    text        not null, -- why they were guessed
    state       text        not null check (state in ('asked', 'accepted', 'declined', 'escalated')),
    asked_by    text        not null,
    asked_at    timestamptz not null,
    answered_by text,
    answered_at timestamptz
);
-- A finding is in one pair of hands at a time.
create unique index finding_hand_overs_open on finding_hand_overs (key) where state in ('asked', 'escalated');

-- Pull requests that mend findings; the row comes before the deed.
create table fixes (
    id            bigint      generated always as identity primary key,
    source_id     text        not null,
    repository_id bigint      not null,
    repository    text        not null, -- acme/payments-api
    branch        text        not null,
    keys          text[]      not null, -- of the findings it mends
    changes       jsonb       not null, -- what is written where
    account       jsonb       not null, -- who asked for it
    person        text,                 -- their entity, where the account is tied to one
    place         jsonb,                -- the conversation in which it was asked for
    posted        jsonb,                -- the message that follows it: {channel, ts}
    state         text        not null default 'intended' check (state in ('intended', 'open', 'merged', 'closed', 'failed')),
    number        bigint,
    url           text,
    reason        text,                 -- why it failed
    patch         text,                 -- the change as lines, once it is known
    created_at    timestamptz not null,
    ended_at      timestamptz,
    unique (source_id, repository_id, branch)
);
create index fixes_open on fixes (source_id, repository_id) where state in ('intended', 'open');

-- Who was told in which round. The row comes before the message, so that no team hears of a round twice.
create table hygiene_messages (
    team         text        not null, -- whose findings they are; a person's, or the catch-all's, in the same words
    round        text        not null, -- 2026-11-24, the day of the round where the team is
    platform     text        not null,
    destination  text        not null, -- channel or account
    others       text[]      not null default '{}', -- where it goes should that one be refused, the next one first
    any_hour     boolean     not null default false, -- a person asked for it now
    calm         integer     not null default 0, -- tellings one after the other, up to this one, in which nothing was new
    message      jsonb       not null,
    keys         text[]      not null, -- of all open findings then
    shown        text[]      not null, -- of those that were spelt out
    state        text        not null default 'due' check (state in ('due', 'sent', 'lost')),
    attempted_at timestamptz,          -- it may have left since; by the database's clock, which all replicas share
    looked       integer     not null default 0, -- times that it was looked for in vain because nobody may read there
    reason       text,                 -- why it is lost
    posted       jsonb,                -- {channel, ts}
    planned_at   timestamptz not null,
    sent_at      timestamptz,
    primary key (team, round)
);
create index hygiene_messages_due on hygiene_messages (planned_at) where state = 'due';
create index hygiene_messages_planned_at on hygiene_messages (planned_at);

-- Whether rounds are held: none is before somebody has seen what would be said, and let it go.
create table hygiene_start (
    only_one     boolean     primary key default true check (only_one),
    previewed_at timestamptz not null, -- the admins were shown the first round
    begun_at     timestamptz,          -- it was let go
    begun_by     text                  -- name of who did
);
