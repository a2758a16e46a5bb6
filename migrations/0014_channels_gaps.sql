-- Which team a conversation belongs to, and names that people ask for and that nothing is called.
-- Safe under the previous version: it knows neither table.

-- What somebody said with /steward channel; a Group's own annotation stands in the catalog and comes after it.
create table channel_teams (
    platform     text        not null,
    channel_id   text        not null,
    channel_name text,                 -- as the platform called it when the team was set, for display
    team         text        not null, -- entity reference
    set_at       timestamptz not null,
    primary key (platform, channel_id)
);

-- Look-ups that found nothing. Names of things only: nothing says who asked.
create table gaps (
    name     text        primary key,  -- normalised: lower case, words joined by hyphens
    asked    bigint      not null,
    first_at timestamptz not null,
    last_at  timestamptz not null
);
create index gaps_asked on gaps (asked desc, last_at desc);

-- /audit asks for what concerns one entity or person.
create index audit_subject on audit (subject);
create index audit_person on audit (person) where person is not null;
-- A denied attempt is looked for again within minutes.
create index audit_account on audit (platform, account, at desc);
