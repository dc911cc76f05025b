-- Question: Which projects does each account have or had?
-- Parameter account (account) = : account name; empty: every account
-- Columns:
--   account_id    account of the settings
--   project_id    short token under which usage is reported
--   project_name  name as last listed; empty while known from usage alone
--   app_id        App ID, the key of channel calls
--   status        active, disabled, deleted (no longer listed) or unknown
--   created_at    when it was created, UTC
--   first_day     first UTC day with a row of usage
--   last_day      last UTC day with a row of usage
\if :{?account} \else \set account '' \endif
select
    p.account_id,
    p.project_id,
    p.project_name,
    p.app_id,
    p.status,
    to_char(p.created_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as created_at,
    min(u.day) as first_day,
    max(u.day) as last_day
from agora.project as p
left join agora.usage_daily as u
    on u.account_id = p.account_id
    and u.project_id = p.project_id
where p.account_id = coalesce(nullif(:'account', ''), p.account_id)
group by p.account_id, p.project_id
order by p.account_id, p.project_id collate "C";
