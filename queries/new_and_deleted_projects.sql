-- Question: Which projects came and went?
-- Parameter account (account) = : account name; empty: every account
-- Parameter from (day) = : first UTC day, YYYY-MM-DD; empty: the earliest
-- Parameter to (day) = : last UTC day, YYYY-MM-DD; empty: the latest
-- Columns:
--   account_id      account of the settings
--   day             UTC day of the event
--   event           created, seen (first in usage alone, or without a time of creation) or deleted
--   project_id      short token of the project
--   project_name    name as last listed
--   status          active, disabled, deleted or unknown, as it is now
--   last_usage_day  last UTC day with a row of usage; empty: none
-- A project counts as deleted on the day on which the list first lacked it.
\if :{?account} \else \set account '' \endif
\if :{?from} \else \set from '' \endif
\if :{?to} \else \set to '' \endif
with event as (
    select
        p.account_id,
        p.project_id,
        (coalesce(p.created_at, p.first_seen_at) at time zone 'UTC')::date as day,
        case when p.created_at is null then 'seen' else 'created' end as event
    from agora.project as p
    union all
    select p.account_id, p.project_id, (p.deleted_at at time zone 'UTC')::date, 'deleted'
    from agora.project as p
    where p.deleted_at is not null
)

select
    e.account_id,
    e.day,
    e.event,
    p.project_id,
    p.project_name,
    p.status,
    (
        select max(u.day)
        from agora.usage_daily as u
        where u.account_id = p.account_id and u.project_id = p.project_id
    ) as last_usage_day
from event as e
join agora.project as p using (account_id, project_id)
where
    e.account_id = coalesce(nullif(:'account', ''), e.account_id)
    and e.day >= coalesce(nullif(:'from', '')::date, '-infinity')
    and e.day <= coalesce(nullif(:'to', '')::date, 'infinity')
order by e.account_id, e.day, e.event, p.project_id collate "C";
