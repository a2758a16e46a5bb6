-- When a repository of which no webhook tells was last asked for what happened to it. Kept for a day.
create table news_reads (
    source_id     text        not null,
    repository_id bigint      not null,
    read_at       timestamptz not null,
    primary key (source_id, repository_id)
);
create index news_reads_read_at on news_reads (read_at);
