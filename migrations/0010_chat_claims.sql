-- Which acts and answers in chat were taken on, by the platform's own number of the delivery: a platform delivers again
-- after a lost acknowledgement, and to another replica. Safe under the previous version, which does not know the table.

create table chat_claims (
    -- act or answer, the platform, and its number of the delivery: `act slack 13345224609.738474920.8088930838:9f…`
    claim      text        primary key,
    claimed_at timestamptz not null
);
create index chat_claims_claimed_at on chat_claims (claimed_at);
