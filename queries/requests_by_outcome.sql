-- Question: How do the usage requests end, and how often are they tried?
-- Parameter account (account) = : account name; empty: every account
-- Parameter from (day) = : first UTC day on which requests ended, YYYY-MM-DD; empty: the earliest
-- Parameter to (day) = : last UTC day on which requests ended, YYYY-MM-DD; empty: the latest
-- Columns:
--   account_id     account of the settings
--   endpoint       usage_v1 or usage_v3
--   outcome        ok, contradiction or failed
--   http_status    HTTP status of the last attempt; empty: no answer
--   requests       requests that ended so
--   attempts       attempts made for them
--   rows_received  days of usage in the answers
--   first_day      UTC day on which the first of them ended
--   last_day       UTC day on which the last of them ended
\if :{?account} \else \set account '' \endif
\if :{?from} \else \set from '' \endif
\if :{?to} \else \set to '' \endif
select
    r.account_id,
    r.endpoint,
    r.outcome,
    r.http_status,
    count(*) as requests,
    sum(r.attempts) as attempts,
    sum(r.rows_received) as rows_received,
    min((r.finished_at at time zone 'UTC')::date) as first_day,
    max((r.finished_at at time zone 'UTC')::date) as last_day
from agora.sync_request as r
where
    r.account_id = coalesce(nullif(:'account', ''), r.account_id)
    and (r.finished_at at time zone 'UTC')::date >= coalesce(nullif(:'from', '')::date, '-infinity')
    and (r.finished_at at time zone 'UTC')::date <= coalesce(nullif(:'to', '')::date, 'infinity')
group by r.account_id, r.endpoint, r.outcome, r.http_status
order by r.account_id, r.endpoint, r.outcome, r.http_status;
