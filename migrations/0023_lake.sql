-- The lake: which bucket an account is in, and which days of occupancy are safely there.

create function agora.account_bucket(account_id text) returns integer
language sql immutable strict parallel safe
return (('x' || left(encode(sha256(convert_to(account_id, 'UTF8')), 'hex'), 8))::bit(32)::bigint % 16)::integer;

comment on function agora.account_bucket(text) is
    'Bucket of an account in the lake, 0 to 15: the first eight hexadecimal digits of the SHA-256 of its name in UTF-8, as a number, modulo 16. Never changes.';

create table agora.lake_day (
    day             date        not null,
    account_bucket  integer     not null check (account_bucket between 0 and 15),
    snapshots       bigint      not null check (snapshots >= 0),
    lake            text        not null,
    verified_at     timestamptz not null,
    primary key (day, account_bucket)
);

comment on table agora.lake_day is
    'Days of occupancy that were exported to the lake and read back from there, by bucket of accounts. Where occupancy_archive is set, a day of occupancy_channel is dropped only when every bucket with snapshots is listed with as many as there are. Written by lake export and the job lake.';
comment on column agora.lake_day.day is 'UTC day.';
comment on column agora.lake_day.account_bucket is 'Bucket of accounts, see account_bucket(text).';
comment on column agora.lake_day.snapshots is
    'Snapshots of the day and bucket when it was exported; a later one makes the day wait for another export.';
comment on column agora.lake_day.lake is 'Address of the lake, without credentials.';
comment on column agora.lake_day.verified_at is 'When the published files were read back and agreed.';

-- Whole days of all accounts are looked for; times only grow, so a small index will do.
create index occupancy_snapshot_by_time on agora.occupancy_snapshot using brin (observed_at);
