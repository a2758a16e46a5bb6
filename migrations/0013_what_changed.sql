-- What changed lately, and incidents that people attach to entities.
-- Safe under the previous version: a new table, an index, and a column that fills itself.

-- When a row was written, by this database's clock: a reader asks for what was written since it last looked. The
-- trigger sets it, so that the previous version, which does not know the column, keeps it right, too.
alter table repository_events add column written_at timestamptz not null default now();
create function repository_events_written() returns trigger language plpgsql as $$
begin
    new.written_at := clock_timestamp();
    return new;
end $$;
create trigger repository_events_written before insert or update on repository_events
    for each row execute function repository_events_written();
create index repository_events_written_at on repository_events (written_at);

-- Changes of descriptors by time: the primary key orders them by arrival, `ref` by entity.
create index entity_history_seen_at on entity_history (seen_at);

create table incidents (
    id          bigint generated always as identity primary key,
    ref         text        not null,  -- the entity it is about; no reference, since entities come and go
    url         text        not null,  -- one link is one incident of an entity, however often it is attached
    title       text        not null,
    kind        text        not null check (kind in ('incident', 'postmortem')),
    state       text        not null check (state in ('open', 'closed')),
    attached_at timestamptz not null,
    attached_by text        not null,  -- reference of the person, or the chat account's name
    closed_at   timestamptz,           -- when it was last seen to be closed
    written_at  timestamptz not null default clock_timestamp(),
    unique (ref, url)
);
create index incidents_written_at on incidents (written_at);
create index incidents_open on incidents (ref) where state = 'open';
