-- How often a run was taken since it last came a step further: one that every replica dies of must not go round for ever.
alter table runs add column takes integer not null default 0;
