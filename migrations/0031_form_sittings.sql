-- Forms that somebody is filling in where the platform carries too little of them: the page, its answers so far, the step.
create table form_sittings (
    id         bigint generated always as identity primary key,
    account    text        not null,         -- platform and id
    sitting    jsonb       not null,
    revision   integer     not null default 0, -- two presses at once must not undo one another
    touched_at timestamptz not null
);
create index form_sittings_touched_at on form_sittings (touched_at);
