-- Where each day of usage stands, for analysts.

-- The rules are those of the program (collect::due), as far as they follow from
-- what is stored: look-back and the platform's history are settings of the program.
create view agora.coverage as
with request as not materialized (
    -- Many runs ask for the same days; the newest of each kind tells all.
    select
        r.account_id,
        r.project_id,
        r.service,
        r.from_day,
        r.to_day,
        r.endpoint,
        r.outcome = 'failed' as is_failed,
        r.contradicted_days,
        max(r.request_id) as request_id
    from agora.sync_request as r
    group by
        r.account_id, r.project_id, r.service, r.from_day, r.to_day,
        r.endpoint, r.outcome = 'failed', r.contradicted_days
),

asked_day as not materialized (
    select
        r.account_id,
        r.project_id,
        r.service,
        r.endpoint,
        r.from_day + n.number as day,
        max(r.request_id) filter (
            where not r.is_failed and not r.from_day + n.number = any(r.contradicted_days)
        ) as answered,
        max(r.request_id) filter (
            where r.from_day + n.number = any(r.contradicted_days)
        ) as contradicted,
        max(r.request_id) filter (where r.is_failed) as failed
    from request as r
    cross join lateral generate_series(0, r.to_day - r.from_day) as n (number)
    group by r.account_id, r.project_id, r.service, r.endpoint, r.from_day + n.number
),

asked_service as (
    select
        r.account_id,
        r.service,
        min(r.from_day) as first_day,
        max(r.to_day) as last_day
    from agora.sync_request as r
    group by r.account_id, r.service
),

-- Days of every project, what its own requests say, and what those for all
-- projects say: put below each other, since a join of days would be slow.
evidence as (
    select
        s.account_id,
        p.project_id,
        s.service,
        s.first_day + n.number as day,
        null as endpoint,
        null::bigint as answered,
        null::bigint as contradicted,
        null::bigint as failed
    from asked_service as s
    join agora.project as p on p.account_id = s.account_id
    cross join lateral generate_series(0, s.last_day - s.first_day) as n (number)
    union all
    select
        a.account_id, a.project_id, a.service, a.day,
        a.endpoint, a.answered, a.contradicted, a.failed
    from asked_day as a
    where a.project_id is not null
    union all
    select
        a.account_id, p.project_id, a.service, a.day,
        a.endpoint, a.answered, a.contradicted, a.failed
    from asked_day as a
    join agora.project as p on p.account_id = a.account_id
    where a.project_id is null
),

-- Minutes of v1 count for nothing where v3 was asked: v3 can do better.
by_endpoint as (
    select
        e.account_id,
        e.project_id,
        e.service,
        e.day,
        coalesce(bool_or(e.endpoint = 'usage_v3'), false) as asks_v3,
        max(e.answered) filter (where e.endpoint = 'usage_v3') as answered_v3,
        max(e.answered) as answered,
        max(e.contradicted) filter (where e.endpoint = 'usage_v3') as contradicted_v3,
        max(e.contradicted) as contradicted,
        max(e.failed) filter (where e.endpoint = 'usage_v3') as failed_v3,
        max(e.failed) as failed
    from evidence as e
    group by e.account_id, e.project_id, e.service, e.day
),

newest as (
    select
        e.account_id,
        e.project_id,
        e.service,
        e.day,
        case when e.asks_v3 then e.answered_v3 else e.answered end as answered,
        case when e.asks_v3 then e.contradicted_v3 else e.contradicted end as contradicted,
        case when e.asks_v3 then e.failed_v3 else e.failed end as failed
    from by_endpoint as e
),

judged as (
    select
        n.account_id,
        n.project_id,
        p.project_name,
        n.service,
        n.day,
        n.answered,
        n.failed,
        case
            when n.contradicted > coalesce(n.answered, 0) then 'contradicted'
            when n.answered is null and n.failed is not null then 'failed'
            when n.answered is null then 'missing'
            when
                u.missing_media <> '{}'
                or jsonb_path_exists(u.extra_seconds, '$.* ? (@ == null)')
                then 'incomplete'
            when u.day is null then 'absent'
            else 'stored'
        end as state
    from newest as n
    join agora.project as p using (account_id, project_id)
    left join agora.usage_daily as u
        on u.account_id = n.account_id
        and u.day = n.day
        and u.project_id = n.project_id
        and u.service = n.service
    where p.deleted_at is null or n.day <= (p.deleted_at at time zone 'UTC')::date
)

select
    j.account_id,
    j.project_id,
    j.project_name,
    j.service,
    j.day,
    j.state,
    a.finished_at as answered_at,
    f.message
from judged as j
left join agora.sync_request as a
    on a.account_id = j.account_id
    and a.request_id = j.answered
left join agora.sync_request as f
    on f.account_id = j.account_id
    and f.request_id = j.failed
    and j.state = 'failed';

comment on view agora.coverage is
    'Where each day of usage stands: one row a project, service and UTC day, from the first to the last day that the service was ever asked for in the account. A project that was deleted has rows up to that day.';
comment on column agora.coverage.account_id is 'Account of the project.';
comment on column agora.coverage.project_id is 'Project whose usage it is.';
comment on column agora.coverage.project_name is 'Name of the project as last listed.';
comment on column agora.coverage.service is 'rtc, recording, cloud_recording, transcoding or miniapp.';
comment on column agora.coverage.day is 'UTC day.';
comment on column agora.coverage.state is
    'stored; absent: answered without usage; missing: never asked for; failed: asked for without an answer; contradicted: the newest answer lacked the stored value, which was kept; incomplete: a value is unknown.';
comment on column agora.coverage.answered_at is
    'When the newest answer about the day was received; null without one. It is final 7 days (unless set) after the day''s end.';
comment on column agora.coverage.message is 'What the newest request met, where the state is failed.';

create view agora.coverage_gaps as
select
    c.account_id,
    c.project_id,
    c.project_name,
    c.service,
    c.day,
    c.state,
    c.message
from agora.coverage as c
where c.state not in ('stored', 'absent');

comment on view agora.coverage_gaps is
    'Days of usage that are not known, with the reason: the rows of coverage that a bill cannot rely on.';
comment on column agora.coverage_gaps.account_id is 'Account of the project.';
comment on column agora.coverage_gaps.project_id is 'Project whose usage it is.';
comment on column agora.coverage_gaps.project_name is 'Name of the project as last listed.';
comment on column agora.coverage_gaps.service is 'rtc, recording, cloud_recording, transcoding or miniapp.';
comment on column agora.coverage_gaps.day is 'UTC day.';
comment on column agora.coverage_gaps.state is 'missing, failed, contradicted or incomplete, as in coverage.';
comment on column agora.coverage_gaps.message is 'What the newest request met, where the state is failed.';
