-- Question: Which days of usage are not known, and why?
-- Parameter account = : account name; empty: every account
-- Parameter from = : first UTC day, YYYY-MM-DD; empty: the first day ever asked for
-- Parameter to = : last UTC day, YYYY-MM-DD; empty: the last day ever asked for
-- Columns:
--   account_id  account of the settings
--   project_id  short token of the project
--   service     rtc, recording, cloud_recording, transcoding or miniapp
--   day         UTC day
--   state       missing (never asked for), failed (asked for without an answer),
--               contradicted (the newest answer lacked the stored value), incomplete (a value is unknown)
--   message     what the last failed request met
-- Services that were never asked for do not appear.
with asked as (
    select
        r.account_id,
        r.service,
        min(r.from_day) as first_day,
        max(r.to_day) as last_day
    from agora.sync_request as r
    where r.account_id = coalesce(nullif(:'account', ''), r.account_id)
    group by r.account_id, r.service
),

cell as (
    select
        a.account_id,
        p.project_id,
        a.service,
        d.day::date as day
    from asked as a
    join agora.project as p on p.account_id = a.account_id
    cross join generate_series(
        coalesce(nullif(:'from', '')::date, a.first_day),
        coalesce(nullif(:'to', '')::date, a.last_day),
        interval '1 day'
    ) as d (day)
    where p.deleted_at is null or d.day::date <= (p.deleted_at at time zone 'UTC')::date
),

newest as (
    select
        c.account_id,
        c.project_id,
        c.service,
        c.day,
        max(r.request_id) filter (
            where r.outcome <> 'failed' and not c.day = any(r.contradicted_days)
        ) as answered,
        max(r.request_id) filter (where c.day = any(r.contradicted_days)) as contradicted,
        max(r.request_id) filter (where r.outcome = 'failed') as failed
    from cell as c
    left join agora.sync_request as r
        on r.account_id = c.account_id
        and r.service = c.service
        and c.day between r.from_day and r.to_day
        and (r.project_id is null or r.project_id = c.project_id)
    group by c.account_id, c.project_id, c.service, c.day
),

judged as (
    select
        n.account_id,
        n.project_id,
        n.service,
        n.day,
        case
            when n.contradicted > coalesce(n.answered, 0) then 'contradicted'
            when n.answered is null and n.failed is not null then 'failed'
            when n.answered is null then 'missing'
            when
                u.missing_media <> '{}'
                or jsonb_path_exists(u.extra_seconds, '$.* ? (@ == null)')
                then 'incomplete'
        end as state,
        f.message
    from newest as n
    left join agora.usage_daily as u
        on u.account_id = n.account_id
        and u.day = n.day
        and u.project_id = n.project_id
        and u.service = n.service
    left join agora.sync_request as f
        on f.account_id = n.account_id
        and f.request_id = n.failed
        and n.answered is null
)

select account_id, project_id, service, day, state, message
from judged
where state is not null
order by account_id, project_id collate "C", service, day;
