-- Newest runs of each job, each as a JSON object or null: of all (newest), of
-- those that ended (ended), of those that got to their end (finished), and of
-- those that count as a success (good): done, or partial where at least
-- something got through.
-- $1: accounts, $2: jobs
select
    w.account_id,
    w.job,
    to_jsonb(n) as newest,
    to_jsonb(e) as ended,
    to_jsonb(f) as finished,
    to_jsonb(g) as good
from (
    select a.account_id, j.job
    from unnest($1::text[]) as a (account_id)
    cross join unnest($2::text[]) as j (job)
) as w
left join lateral (
    select r.*
    from agora.job_run as r
    where r.account_id = w.account_id and r.job = w.job
    order by r.slot desc
    limit 1
) as n on true
left join lateral (
    select r.*
    from agora.job_run as r
    where
        r.account_id = w.account_id
        and r.job = w.job
        and r.state in ('done', 'partial', 'failed')
    order by r.slot desc
    limit 1
) as e on true
left join lateral (
    select r.*
    from agora.job_run as r
    where
        r.account_id = w.account_id
        and r.job = w.job
        and r.state in ('done', 'partial')
    order by r.finished_at desc
    limit 1
) as f on true
left join lateral (
    select r.*
    from agora.job_run as r
    where
        r.account_id = w.account_id
        and r.job = w.job
        and r.state in ('done', 'partial')
        and (
            r.state = 'done'
            or not (
                coalesce((r.figures ->> 'requests_failed')::bigint, 0) > 0
                and coalesce((r.figures ->> 'requests_answered')::bigint, 0) = 0
                or coalesce((r.figures ->> 'projects_failed')::bigint, 0) > 0
                and coalesce((r.figures ->> 'snapshots')::bigint, 0) = 0
            )
        )
    order by r.finished_at desc
    limit 1
) as g on true
order by w.account_id, w.job
