-- Who may work, and what was run when.

create table agora.job_lease (
    account_id  text        not null references agora.account,
    name        text        not null,
    holder      text        not null,
    epoch       bigint      not null check (epoch >= 1),
    expires_at  timestamptz not null,
    primary key (account_id, name)
);

comment on table agora.job_lease is
    'One row a kind of work of an account. Whoever holds it may ask the platform and write; every writing transaction checks epoch and expiry, so that a paused holder cannot write late. Times are of the database''s clock.';
comment on column agora.job_lease.account_id is 'Account that is worked on.';
comment on column agora.job_lease.name is
    'Kind of work: usage (project and usage calls), statistics (channel calls), or the name of a job without calls.';
comment on column agora.job_lease.holder is 'Process that holds it: host, process id and a random part.';
comment on column agora.job_lease.epoch is 'Rises by one each time the lease changes hands.';
comment on column agora.job_lease.expires_at is
    'When it is free again unless it is renewed, by the database''s clock.';

create table agora.job_run (
    account_id   text        not null references agora.account,
    job          text        not null,
    slot         timestamptz not null,
    state        text        not null check (state in ('running', 'done', 'partial', 'failed', 'skipped')),
    holder       text        not null,
    attempt      integer     not null check (attempt >= 1),
    started_at   timestamptz not null,
    finished_at  timestamptz,
    figures      jsonb       not null default '{}',
    message      text,
    primary key (account_id, job, slot),
    check ((state = 'running') = (finished_at is null))
);

create index job_run_newest on agora.job_run (account_id, job, finished_at desc) where state in ('done', 'partial');

comment on table agora.job_run is
    'One row a scheduled time of a job and account, so that no slot runs twice and a missed one is made up once. Written by the daemon.';
comment on column agora.job_run.account_id is 'Account that the job ran for.';
comment on column agora.job_run.job is 'Name of the job, as in the README.';
comment on column agora.job_run.slot is 'Scheduled time, UTC.';
comment on column agora.job_run.state is
    'running; done; partial: with holes; failed; skipped: the run before it was still going on.';
comment on column agora.job_run.holder is 'Process that ran it.';
comment on column agora.job_run.attempt is 'Rises by one when a dead run is taken over.';
comment on column agora.job_run.started_at is 'When the newest attempt began.';
comment on column agora.job_run.finished_at is 'When it ended; null while running.';
comment on column agora.job_run.figures is 'What it did, such as rows written; numbers by name.';
comment on column agora.job_run.message is 'Why it failed or is partial, for people.';
