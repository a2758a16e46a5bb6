-- How many components had what on which day, by owner, so that a trend can be drawn. Safe under the previous version.
create table coverage_days (
    day          date    not null,
    owner        text    not null, -- reference; '' for those that nobody there owns
    components   integer not null,
    with_runbook integer not null,
    with_docs    integer not null,
    open         integer not null, -- findings, not counting those that are left alone
    primary key (day, owner)
);
