-- Single descriptors that were added from chat, read by a source of type url.
-- Safe under the previous version: it does not know the table.

create table locations (
    source_id text        not null,  -- the id in the configuration; `added` where none of the type is configured
    url       text        not null,
    added_by  text        not null,  -- platform and account: `slack:U0123`
    added_at  timestamptz not null,
    primary key (source_id, url)
);
