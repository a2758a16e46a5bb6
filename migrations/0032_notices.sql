-- What became of findings is shown where they were told of, and changes are told to those whom they concern.
-- Safe under the previous version, which knows none of this.

-- The messages that told of a finding, and the pull requests that mend it.
create index hygiene_messages_shown on hygiene_messages using gin (shown);
create index fixes_keys on fixes using gin (keys);

-- How far the history was looked through for what somebody should hear. What stands there already is told to nobody.
create table notice_cursor (
    only_one   boolean primary key default true check (only_one),
    history_id bigint  not null
);
insert into notice_cursor (history_id) select coalesce(max(id), 0) from entity_history;

-- What an owner is to hear of a change, once.
create table notices (
    id          bigint      generated always as identity primary key,
    team        text        not null, -- who hears it
    entity      text        not null, -- what has changed
    kind        text        not null check (kind in ('gained', 'lost', 'deprecated', 'removed')),
    other       text,                 -- the owner on the other side of the change
    through     text[]      not null default '{}', -- what of theirs leans on it
    history_id  bigint      not null, -- the line that told of it
    happened_at timestamptz not null,
    told_in     text,                 -- the round under which the ledger has the message; '' where it came to nothing
    unique (team, entity, kind, history_id)
);
create index notices_untold on notices (team) where told_in is null;
