-- Links that entities and documents name, and whether anything answers there; lists that wait to be fetched. Safe under the
-- previous version, which knows no such tables.

create table checked_links (
    url          text        primary key,
    places       jsonb       not null,            -- who names it: [{"entity": "component:default/x", "path": "docs/a.md"}]
    named_at     timestamptz not null,            -- of the collection that found it named last
    next_at      timestamptz not null,            -- not asked before
    checked_at   timestamptz,                     -- none: not asked yet
    failures     integer     not null default 0,  -- in a row
    failed_since timestamptz,
    fault        text,                            -- what came of the last question, where that was no answer
    is_dead      boolean     not null default false
);
create index checked_links_next_at on checked_links (next_at);
create index checked_links_dead on checked_links (url) where is_dead;

-- When links were collected last, in one row.
create table link_collections (
    is_only      boolean     primary key default true check (is_only),
    collected_at timestamptz not null
);

-- Lists too long for a message, fetched by whoever has the token, which is known to the asker alone.
create table exports (
    token_hash bytea       primary key,  -- SHA-256: who reads this table can fetch nothing
    asked      jsonb       not null,     -- the search, not what it came to
    expires_at timestamptz not null
);
create index exports_expires_at on exports (expires_at);
