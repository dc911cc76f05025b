-- Views that answer at once on three years of a thousand projects. Their rows are
-- the same as before.

-- The few requests that coverage_gaps looks for among the many that were answered.
create index sync_request_troubled
    on agora.sync_request (account_id, service)
    where outcome = 'failed' or contradicted_days <> '{}';

-- How many rows a range of months has, for views that sum by month; analyze alone pays for it.
create statistics agora.usage_daily_month
    on (date_trunc('month', day::timestamp)::date)
    from agora.usage_daily;

-- Strict, so that it is not expanded where it is used: the planner then believes
-- in a month a range, and not in thousands of days.
create function agora.days_of(ranges datemultirange) returns setof date
language sql immutable strict parallel safe rows 31
set search_path = pg_catalog, pg_temp
as $$
select lower(r.days) + n.number
from unnest(ranges) as r (days)
cross join lateral generate_series(0, upper(r.days) - 1 - lower(r.days)) as n (number)
$$;

comment on function agora.days_of(datemultirange) is 'Every day of ranges with two ends, in order.';

-- The rules are those of the view coverage, of which these are the rows that a bill
-- cannot rely on; it works them out cell by cell. Nearly all cells are known, so
-- here days are taken as ranges until few are left.
create or replace view agora.coverage_gaps with (security_invoker = true) as
select
    k.account_id,
    g.project_id,
    g.project_name,
    g.service,
    g.day,
    g.state,
    g.message
from agora.account as k
-- Account by account, so that a question about one reads nothing of the others.
cross join lateral (
    with request as not materialized (
        select
            r.project_id,
            r.service,
            r.request_id,
            r.endpoint = 'usage_v3' as is_v3,
            r.outcome = 'failed' as is_failed,
            r.from_day,
            r.to_day,
            r.contradicted_days,
            case
                when r.outcome = 'failed' then '{}'
                when r.contradicted_days = '{}'
                    then datemultirange(daterange(r.from_day, r.to_day, '[]'))
                else datemultirange(daterange(r.from_day, r.to_day, '[]')) - (
                    select range_agg(daterange(c.day, c.day, '[]'))
                    from unnest(r.contradicted_days) as c (day)
                )
            end as answered_days
        from agora.sync_request as r
        where r.account_id = k.account_id
    ),

    project as not materialized (
        select
            p.project_id,
            p.project_name,
            (p.deleted_at at time zone 'UTC')::date as deleted_on
        from agora.project as p
        where p.account_id = k.account_id
    ),

    asked as (
        select
            r.project_id,
            r.service,
            coalesce(range_agg(r.answered_days) filter (where r.is_v3), '{}') as answered_v3,
            -- With the answered ones, all that v3 was asked for.
            coalesce(
                range_agg(daterange(r.from_day, r.to_day, '[]')) filter (
                    where r.is_v3 and (r.is_failed or r.contradicted_days <> '{}')
                ), '{}'
            ) as troubled_v3,
            -- Minutes of v1 count for nothing where v3 was asked: v3 can do better.
            coalesce(range_agg(r.answered_days) filter (where not r.is_v3), '{}') as answered_v1
        from request as r
        group by r.project_id, r.service
    ),

    -- From the requests, whose services the planner can count: three, and not 200.
    asked_service as (
        select
            r.service,
            min(r.from_day) as first_day,
            max(r.to_day) as last_day,
            range_agg(r.answered_days) filter (where r.project_id is null and r.is_v3) as answered_v3,
            range_agg(daterange(r.from_day, r.to_day, '[]')) filter (
                where r.project_id is null and r.is_v3
            ) as asked_v3,
            range_agg(r.answered_days) filter (
                where r.project_id is null and not r.is_v3
            ) as answered_v1
        from request as r
        group by r.service
    ),

    ranges as (
        select
            p.project_id,
            p.project_name,
            s.service,
            daterange(s.first_day, least(s.last_day, p.deleted_on), '[]') as days,
            coalesce(a.answered_v3 + a.troubled_v3, '{}') + coalesce(s.asked_v3, '{}') as asked_v3,
            coalesce(a.answered_v3, '{}') + coalesce(s.answered_v3, '{}') as answered_v3,
            coalesce(a.answered_v1, '{}') + coalesce(s.answered_v1, '{}') as answered_v1
        from project as p
        cross join asked_service as s
        left join asked as a
            on a.project_id = p.project_id
            and a.service = s.service
        where p.deleted_on is null or s.first_day <= p.deleted_on
    ),

    contradicted_day as (
        select p.project_id, r.service, c.day, r.is_v3, max(r.request_id) as request_id
        from request as r
        cross join lateral unnest(r.contradicted_days) as c (day)
        join project as p on p.project_id = coalesce(r.project_id, p.project_id)
        where r.contradicted_days <> '{}' and c.day between r.from_day and r.to_day
        group by p.project_id, r.service, c.day, r.is_v3
    ),

    contradicted_cell as (
        select distinct d.project_id, d.service, d.day
        from contradicted_day as d
    ),

    -- Read once: within the join, they would be read once a cell.
    answer_for_all as materialized (
        select r.service, r.request_id, r.is_v3, r.answered_days
        from request as r
        where r.project_id is null
    ),

    -- Put below each other, since a join of days would be planned without knowing their number.
    evidence as (
        select
            r.project_id, r.service, u.day,
            true as is_unanswered, false as is_incomplete, false as is_v3,
            null::bigint as answered, null::bigint as contradicted, null::bigint as failed
        from ranges as r
        cross join lateral agora.days_of(
            datemultirange(r.days) - r.answered_v3 - (r.answered_v1 - r.asked_v3)
        ) as u (day)
        union all
        select
            c.project_id, c.service, c.day,
            false, false, c.is_v3, null, c.request_id, null
        from contradicted_day as c
        union all
        select
            c.project_id, c.service, c.day,
            false, false, r.is_v3, r.request_id, null, null
        from contradicted_cell as c
        join request as r
            on r.project_id = c.project_id
            and r.service = c.service
            and c.day between r.from_day and r.to_day
        where r.answered_days @> c.day
        union all
        select
            c.project_id, c.service, c.day,
            false, false, r.is_v3, r.request_id, null, null
        from contradicted_cell as c
        join answer_for_all as r
            on r.service = c.service
            and r.answered_days @> c.day
        union all
        select
            p.project_id, r.service, f.day,
            false, false, r.is_v3, null, null, r.request_id
        from request as r
        join project as p on p.project_id = coalesce(r.project_id, p.project_id)
        cross join lateral agora.days_of(
            datemultirange(daterange(r.from_day, r.to_day, '[]'))
        ) as f (day)
        where r.is_failed
        union all
        select
            u.project_id, u.service, u.day,
            false, true, false, null, null, null
        from agora.usage_daily as u
        where
            u.account_id = k.account_id
            and (
                u.missing_media <> '{}'
                or (
                    u.extra_seconds <> '{}'
                    and jsonb_path_exists(u.extra_seconds, '$.* ? (@ == null)')
                )
            )
    ),

    by_cell as (
        select
            e.project_id,
            e.service,
            e.day,
            bool_or(e.is_unanswered) as is_unanswered,
            bool_or(e.is_incomplete) as is_incomplete,
            max(e.answered) filter (where e.is_v3) as answered_v3,
            max(e.answered) as answered,
            max(e.contradicted) filter (where e.is_v3) as contradicted_v3,
            max(e.contradicted) as contradicted,
            max(e.failed) filter (where e.is_v3) as failed_v3,
            max(e.failed) as failed
        from evidence as e
        group by e.project_id, e.service, e.day
        -- A failure by itself is no gap: another request was answered.
        having bool_or(e.is_unanswered) or bool_or(e.is_incomplete) or max(e.contradicted) is not null
    ),

    newest as (
        select
            c.project_id,
            r.project_name,
            c.service,
            c.day,
            c.is_unanswered,
            c.is_incomplete,
            case when r.asked_v3 @> c.day then c.answered_v3 else c.answered end as answered,
            case when r.asked_v3 @> c.day then c.contradicted_v3 else c.contradicted end as contradicted,
            case when r.asked_v3 @> c.day then c.failed_v3 else c.failed end as failed
        from by_cell as c
        join ranges as r
            on r.project_id = c.project_id
            and r.service = c.service
        where r.days @> c.day
    ),

    judged as (
        select
            n.project_id,
            n.project_name,
            n.service,
            n.day,
            n.failed,
            case
                when n.contradicted > coalesce(n.answered, 0) then 'contradicted'
                when n.is_unanswered and n.failed is not null then 'failed'
                when n.is_unanswered then 'missing'
                when n.is_incomplete then 'incomplete'
            end as state
        from newest as n
    )

    select j.project_id, j.project_name, j.service, j.day, j.state, f.message
    from judged as j
    left join agora.sync_request as f
        on f.account_id = k.account_id
        and f.request_id = j.failed
        and j.state = 'failed'
    where j.state is not null
) as g;

create or replace view agora.occupancy_heat_map with (security_invoker = true) as
with slot as (
    select
        h.account_id,
        h.project_id,
        -- Hours are whole. 1970 began on a Thursday; from here Monday, 0:00, is 0.
        ((date_part('epoch', h.hour)::bigint / 3600) + 72) % 168 as hour_of_week,
        count(*) as hours,
        sum(h.user_seconds) as user_seconds,
        sum(h.channel_seconds) as channel_seconds,
        sum(h.observed_seconds) as observed_seconds,
        max(h.peak_users) as peak_users,
        max(h.peak_channels) as peak_channels
    from agora.occupancy_hourly as h
    group by
        h.account_id, h.project_id, ((date_part('epoch', h.hour)::bigint / 3600) + 72) % 168
)

select
    s.account_id,
    s.project_id,
    p.project_name,
    (s.hour_of_week / 24 + 1)::integer as weekday,
    (s.hour_of_week % 24)::integer as hour_of_day,
    s.hours,
    round(s.user_seconds / nullif(s.observed_seconds, 0), 6) as average_users,
    round(s.channel_seconds / nullif(s.observed_seconds, 0), 6) as average_channels,
    s.peak_users,
    s.peak_channels,
    round((3600 * s.hours - s.observed_seconds) / 60.0, 6) as unobserved_minutes
from slot as s
join agora.project as p using (account_id, project_id);
