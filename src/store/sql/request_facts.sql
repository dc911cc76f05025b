-- What is known of the requests whose days lie within a month.
-- $1: account, $2: first day, $3: last day,
-- $4: time up to which answers count; null: all
select
    project_id,
    service,
    endpoint,
    from_day,
    to_day,
    outcome,
    contradicted_days,
    max(request_id) as request_id,
    max(finished_at) as finished_at,
    (
        array_agg(message order by request_id desc) filter (where outcome = 'failed')
    )[1] as message
from agora.sync_request
where
    account_id = $1
    and from_day between $2 and $3
    and ($4::timestamptz is null or finished_at <= $4)
group by
    project_id, service, endpoint, from_day, to_day,
    outcome, contradicted_days
order by max(request_id)
