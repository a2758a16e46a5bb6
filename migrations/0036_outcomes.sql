-- What went well and what did not, and who used Steward, by day, so that shares of a month can be told.
-- Safe under the previous version, which knows neither table.
create table outcome_days (
    day  date   not null,
    what text   not null, -- source:github, on-call, slack, answer
    good bigint not null,
    bad  bigint not null,
    primary key (day, what)
);

create table active_days (
    day     date not null,
    account text not null, -- platform and id; counted, never shown
    primary key (day, account)
);
