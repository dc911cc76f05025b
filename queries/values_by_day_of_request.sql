-- Question: How much of what was fetched was new, and how much had changed nothing?
-- Parameter account (account) = : account name; empty: every account
-- Parameter from (day) = : first UTC day on which requests ended, YYYY-MM-DD; empty: the earliest
-- Parameter to (day) = : last UTC day on which requests ended, YYYY-MM-DD; empty: the latest
-- Columns:
--   account_id      account of the settings
--   day             UTC day on which the requests ended
--   requests        requests of that day
--   rows_received   days of usage in their answers
--   values_written  values that were new, or other than the stored ones
--   unchanged       answers that were as stored: nothing is written for them
\if :{?account} \else \set account '' \endif
\if :{?from} \else \set from '' \endif
\if :{?to} \else \set to '' \endif
with written as (
    select u.account_id, u.request_id
    from agora.usage_daily as u
    union all
    select r.account_id, r.request_id
    from agora.usage_revision as r
),

by_request as (
    select w.account_id, w.request_id, count(*) as values_written
    from written as w
    group by w.account_id, w.request_id
)

select
    r.account_id,
    (r.finished_at at time zone 'UTC')::date as day,
    count(*) as requests,
    sum(r.rows_received) as rows_received,
    coalesce(sum(w.values_written), 0) as values_written,
    sum(r.rows_received) - coalesce(sum(w.values_written), 0) as unchanged
from agora.sync_request as r
left join by_request as w using (account_id, request_id)
where
    r.account_id = coalesce(nullif(:'account', ''), r.account_id)
    and (r.finished_at at time zone 'UTC')::date >= coalesce(nullif(:'from', '')::date, '-infinity')
    and (r.finished_at at time zone 'UTC')::date <= coalesce(nullif(:'to', '')::date, 'infinity')
group by r.account_id, (r.finished_at at time zone 'UTC')::date
order by r.account_id, day;
