-- Chat accounts whose owners have proved a GitHub login with `/link`. Safe under the previous version, which knows nothing of
-- the table.
create table account_links (
    platform  text        not null,      -- slack, discord, playground
    account   text        not null,      -- the platform's id of the account
    login     text        not null,      -- as GitHub wrote it then
    github_id bigint      not null,      -- GitHub's own number: a login may change hands, this does not
    linked_at timestamptz not null,
    primary key (platform, account)
);

-- Persons and teams that are gone are few among all entities, and looked for at each load.
create index entities_gone_people on entities (ref) where removed_at is not null and kind in ('user', 'group');
