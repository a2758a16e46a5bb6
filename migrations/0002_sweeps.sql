-- Reading only what is new, looking at one repository again, and taking removals back.
-- Safe under the previous version: it leaves the new columns alone, and writes no role that is not allowed here.

-- The commit whose files are stored whole, and how they were chosen (a hash of the source's paths and filters): a
-- repository with the same head, read the same way, is not read again.
alter table repositories add column head text;
alter table repositories add column reading text;
-- When the question was asked whose answer is stored here, in the database's time: an older answer is not written over it.
alter table repositories add column read_at timestamptz;
-- A removal that an admin took back: until then a sweep that does not see the repository leaves it alone.
alter table repositories add column kept_until timestamptz;

alter table files drop constraint files_role_check;
alter table files add constraint files_role_check check (role in ('descriptor', 'runbook', 'doc', 'attachment'));

-- The last sweep over everything; how far the source was read by then (catalog::SweepMark); a removal that waits for an
-- admin's word: {gone, of, since}.
alter table sources add column swept_at timestamptz;
alter table sources add column mark jsonb;
alter table sources add column held_back jsonb;

-- Removals are undone or forgotten by when they happened.
create index repositories_removed_at on repositories (removed_at) where removed_at is not null;
create index entities_removed_at on entities (removed_at) where removed_at is not null;
