-- What owners say of their entries, and the weeks in which all of them are asked.
-- Safe under the previous version, which knows none of these tables.

-- The last word of its owners on each entry.
create table entry_words (
    entity  text        primary key,
    verdict text        not null check (verdict in ('right', 'not ours')),
    owner   text,                 -- who answered for it then; null: nobody
    at      timestamptz not null,
    by      text        not null  -- a name
);

-- A week in which every owner is asked whether their entries are still right.
create table hygiene_weeks (
    week       date        primary key, -- the day it is named after
    started_at timestamptz not null,
    ends_at    timestamptz not null,
    started_by text        not null,    -- a name
    said       jsonb,                   -- how its progress was shown last
    ended_at   timestamptz
);
