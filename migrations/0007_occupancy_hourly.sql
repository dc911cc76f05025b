-- Intervals that cost nothing while nothing changes, and the hours of occupancy.

-- An open row has no end of its own: it reaches to the newest complete snapshot
-- of its project. So a channel that stays as it is is not written to.
alter table agora.occupancy_channel alter column to_at drop not null;

update agora.occupancy_channel set to_at = null where is_open;

alter table agora.occupancy_channel drop column is_open;

create index occupancy_channel_open
    on agora.occupancy_channel (account_id, project_id)
    where to_at is null;

-- The few rows that ghost_channels looks for among the many short ones.
create index occupancy_channel_flat
    on agora.occupancy_channel (account_id, project_id)
    where user_count between 1 and 2 and to_at - from_at >= interval '3 hours';

comment on table agora.occupancy_channel is
    'One row a channel while its user count stays the same, partitioned by the UTC day on which it began. Written by sync occupancy when a count changes, and only then; a channel that is gone is closed by a complete snapshot alone. Dropped after the retention (14 days unless set), when the hours are rolled up.';
comment on column agora.occupancy_channel.from_at is
    'First snapshot that saw this user count. Once the day on which that was is dropped: the first complete snapshot that is left.';
comment on column agora.occupancy_channel.to_at is
    'Last complete snapshot that saw it, or from_at where none did. Null while the row is open: it then reaches to the newest complete snapshot of the project, see occupancy_intervals. Minutes without a snapshot in between were not observed.';

create table agora.occupancy_hourly (
    account_id            text        not null,
    project_id            text        not null,
    hour                  timestamptz not null check (hour = date_trunc('hour', hour at time zone 'UTC') at time zone 'UTC'),
    snapshots             integer     not null check (snapshots >= 0),
    incomplete_snapshots  integer     not null check (incomplete_snapshots between 0 and snapshots),
    observed_seconds      integer     not null check (observed_seconds between 0 and 3600),
    incomplete_seconds    integer     not null check (incomplete_seconds between 0 and observed_seconds),
    user_seconds          bigint      not null check (user_seconds >= 0),
    channel_seconds       bigint      not null check (channel_seconds >= 0),
    peak_users            bigint      not null,
    peak_users_at         timestamptz not null,
    peak_channels         bigint      not null,
    peak_channels_at      timestamptz not null,
    average_users         numeric     generated always as (round(user_seconds::numeric / nullif(observed_seconds, 0), 6)) stored,
    average_channels      numeric     generated always as (round(channel_seconds::numeric / nullif(observed_seconds, 0), 6)) stored,
    user_hours            numeric     generated always as (round(user_seconds / 3600.0, 6)) stored,
    channel_hours         numeric     generated always as (round(channel_seconds / 3600.0, 6)) stored,
    unobserved_minutes    numeric     generated always as (round((3600 - observed_seconds) / 60.0, 6)) stored,
    primary key (account_id, project_id, hour),
    foreign key (account_id, project_id) references agora.project
);

comment on table agora.occupancy_hourly is
    'Users and channels of a project by UTC hour, from its snapshots. A snapshot stands for the time until the next one, but for 90 seconds at most; what crosses the hour''s edge counts in each hour. Time that no snapshot stands for was not observed: it is not zero, and not bridged. Times are cut to whole seconds for this. Kept for ever. Written by roll_up; equal to a computation from all snapshots at any time.';
comment on column agora.occupancy_hourly.account_id is 'Account of the project.';
comment on column agora.occupancy_hourly.project_id is 'Project whose channels were read.';
comment on column agora.occupancy_hourly.hour is 'Start of the hour, UTC. An hour without a row was not observed at all.';
comment on column agora.occupancy_hourly.snapshots is
    'Snapshots taken in the hour; 0 where the one before it still stood for the first seconds.';
comment on column agora.occupancy_hourly.incomplete_snapshots is
    'Those among them that did not read every channel; their users are fewer than there were.';
comment on column agora.occupancy_hourly.observed_seconds is 'Seconds of the hour that a snapshot stands for, 0 to 3600.';
comment on column agora.occupancy_hourly.incomplete_seconds is 'Those among them that an incomplete snapshot stands for.';
comment on column agora.occupancy_hourly.user_seconds is
    'Users times observed seconds, exact; time that was not observed adds nothing.';
comment on column agora.occupancy_hourly.channel_seconds is
    'Live channels times observed seconds, exact. A snapshot has as many channels as it read, or as the platform counts where that is more.';
comment on column agora.occupancy_hourly.peak_users is 'Users at the fullest moment that was observed.';
comment on column agora.occupancy_hourly.peak_users_at is
    'The earliest such moment: when the snapshot was taken, or the start of the hour where one from before still stood.';
comment on column agora.occupancy_hourly.peak_channels is 'Live channels at the moment with the most.';
comment on column agora.occupancy_hourly.peak_channels_at is 'The earliest such moment, as for peak_users_at.';
comment on column agora.occupancy_hourly.average_users is 'Users, averaged over the observed seconds; six decimals.';
comment on column agora.occupancy_hourly.average_channels is 'Live channels, averaged over the observed seconds; six decimals.';
comment on column agora.occupancy_hourly.user_hours is 'user_seconds in hours; six decimals.';
comment on column agora.occupancy_hourly.channel_hours is 'channel_seconds in hours; six decimals.';
comment on column agora.occupancy_hourly.unobserved_minutes is
    'Minutes of the hour that no snapshot stands for, 0 to 60, six decimals. In the hour under way: with the minutes that are still to come.';

create table agora.occupancy_hour_due (
    account_id          text        not null,
    project_id          text        not null,
    hour                timestamptz not null,
    newest_snapshot_at  timestamptz not null,
    primary key (account_id, project_id, hour),
    foreign key (account_id, project_id) references agora.project
);

comment on table agora.occupancy_hour_due is
    'Hours that a snapshot changed since they were last rolled up. Written in the transaction that writes the snapshot, emptied in the one that writes occupancy_hourly: an hour that is not listed is rolled up, whatever the order in which snapshots came.';
comment on column agora.occupancy_hour_due.account_id is 'Account of the project.';
comment on column agora.occupancy_hour_due.project_id is 'Project with the new snapshot.';
comment on column agora.occupancy_hour_due.hour is 'Start of the hour, UTC.';
comment on column agora.occupancy_hour_due.newest_snapshot_at is 'When the snapshot was taken that was written last.';

insert into agora.occupancy_hour_due (account_id, project_id, hour, newest_snapshot_at)
select
    s.account_id,
    s.project_id,
    date_trunc('hour', t.touched_at, 'UTC'),
    max(s.observed_at)
from agora.occupancy_snapshot as s
cross join lateral unnest(array[s.observed_at, s.observed_at + interval '90 seconds']) as t (touched_at)
group by s.account_id, s.project_id, date_trunc('hour', t.touched_at, 'UTC');
