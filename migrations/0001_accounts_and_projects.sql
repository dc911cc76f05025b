-- Accounts, and the projects that were ever seen in them.

create schema if not exists agora;

comment on schema agora is
    'Usage, occupancy and cost of Agora real-time audio and video, by account and project. Written by agora-usage.';

create table agora.account (
    account_id     text        primary key check (account_id ~ '^[A-Za-z0-9_-]{1,64}$'),
    first_seen_at  timestamptz not null
);

comment on table agora.account is
    'One row an account of the settings. Written by the first job that runs for it.';
comment on column agora.account.account_id is
    'Name that the settings give the account; never the customer id of Agora.';
comment on column agora.account.first_seen_at is
    'When the first job ran for the account.';

create table agora.project (
    account_id        text        not null references agora.account,
    project_id        text        not null check (project_id <> ''),
    project_name      text        not null,
    app_id            text,
    status            text        not null check (status in ('active', 'disabled', 'deleted', 'unknown')),
    created_at        timestamptz,
    has_certificate   boolean     not null,
    recording_server  text,
    first_seen_at     timestamptz not null,
    last_listed_at    timestamptz,
    deleted_at        timestamptz,
    primary key (account_id, project_id)
);

comment on table agora.project is
    'Projects once seen, in the list or by usage alone. Written by each reading of the project list; a row is never removed.';
comment on column agora.project.account_id is 'Account that the project belongs to.';
comment on column agora.project.project_id is
    'Short token under which the platform reports usage; not the App ID.';
comment on column agora.project.project_name is
    'Name as last listed, any Unicode text; two projects may share one. Empty while known from usage alone.';
comment on column agora.project.app_id is
    'App ID (32 characters), the key of channel calls; null when the platform sent none.';
comment on column agora.project.status is
    'active or disabled as listed; deleted: once listed, now gone; unknown: known from usage alone.';
comment on column agora.project.created_at is 'When the project was created, as the platform says.';
comment on column agora.project.has_certificate is
    'Whether an App Certificate is enabled. The certificate itself is never stored.';
comment on column agora.project.recording_server is
    'Address of the on-premise recording server, host:port; null where none is set.';
comment on column agora.project.first_seen_at is 'When the project was first seen.';
comment on column agora.project.last_listed_at is
    'When the project was last in the list; null when it never was.';
comment on column agora.project.deleted_at is
    'When the list first lacked the project; null while it is listed.';
