-- Live channels: one row a reading of a project, and intervals a channel.

create table agora.occupancy_snapshot (
    account_id      text        not null,
    project_id      text        not null,
    observed_at     timestamptz not null,
    total_channels  bigint      not null check (total_channels >= 0),
    seen_channels   bigint      not null check (seen_channels >= 0),
    user_count      bigint      not null check (user_count >= 0),
    complete        boolean     not null,
    reason          text        check (reason in ('drift', 'stuck_page', 'page_limit')),
    primary key (account_id, project_id, observed_at),
    foreign key (account_id, project_id) references agora.project,
    check (complete = (reason is null))
);

comment on table agora.occupancy_snapshot is
    'One row a reading of a project''s live channels. A minute without a row was not observed, which is not the same as empty. Written by sync occupancy.';
comment on column agora.occupancy_snapshot.account_id is 'Account of the project.';
comment on column agora.occupancy_snapshot.project_id is 'Project whose channels were read.';
comment on column agora.occupancy_snapshot.observed_at is 'When the first page was received.';
comment on column agora.occupancy_snapshot.total_channels is 'Channels that the platform says there were.';
comment on column agora.occupancy_snapshot.seen_channels is 'Distinct channels that were read.';
comment on column agora.occupancy_snapshot.user_count is 'Users in the channels that were read.';
comment on column agora.occupancy_snapshot.complete is 'Whether every channel was read.';
comment on column agora.occupancy_snapshot.reason is
    'Why not: drift (channels moved between pages), stuck_page (a page came again), page_limit (more pages than the bound).';

create table agora.occupancy_channel (
    account_id    text        not null,
    project_id    text        not null,
    channel_name  text        not null,
    from_at       timestamptz not null,
    to_at         timestamptz not null,
    user_count    bigint      not null check (user_count >= 0),
    is_open       boolean     not null,
    primary key (account_id, project_id, channel_name, from_at),
    check (from_at <= to_at)
) partition by range (from_at);

create index occupancy_channel_open
    on agora.occupancy_channel (account_id, project_id)
    where is_open;

comment on table agora.occupancy_channel is
    'One row a channel while its user count stays the same, partitioned by the UTC day on which it began. Written by sync occupancy; closed only by a complete snapshot.';
comment on column agora.occupancy_channel.account_id is 'Account of the project.';
comment on column agora.occupancy_channel.project_id is 'Project of the channel.';
comment on column agora.occupancy_channel.channel_name is 'Name of the channel; a NUL character is written as \u0000.';
comment on column agora.occupancy_channel.from_at is 'First snapshot that saw this user count.';
comment on column agora.occupancy_channel.to_at is 'Last snapshot that saw it; minutes without a snapshot in between were not observed.';
comment on column agora.occupancy_channel.user_count is 'Users in the channel.';
comment on column agora.occupancy_channel.is_open is 'Whether the next snapshot may extend the row.';
