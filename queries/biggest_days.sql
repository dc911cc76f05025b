-- Question: Which days cost most, and which project was it?
-- Parameter account (account) = : account name; empty: every account
-- Parameter from_month (month) = : first month, YYYY-MM; empty: the earliest
-- Parameter to_month (month) = : last month, YYYY-MM; empty: the latest
-- Parameter limit (count) = 10: most rows
-- Columns:
--   account_id        account of the settings
--   day               UTC day
--   weekday           day of the week in UTC, Mon to Sun
--   cost              cost of all projects and services, in the currency, six decimals
--   share             per cent of the month's allocated cost, one decimal
--   top_project_id    project with the highest cost of the day
--   top_project_name  its name as last listed
--   top_project_cost  its cost of the day, in the currency, six decimals
--   currency          ISO 4217 code
-- Months appear once they were reported (`agora-usage report`).
\if :{?account} \else \set account '' \endif
\if :{?from_month} \else \set from_month '' \endif
\if :{?to_month} \else \set to_month '' \endif
\if :{?limit} \else \set limit '10' \endif
with by_project as (
    select
        c.account_id,
        c.day,
        c.project_id,
        c.project_name,
        c.currency,
        sum(c.cost) as cost
    from agora.project_cost_daily as c
    where
        c.account_id = coalesce(nullif(:'account', ''), c.account_id)
        and to_char(c.day, 'YYYY-MM') >= coalesce(nullif(:'from_month', ''), '0000-00')
        and to_char(c.day, 'YYYY-MM') <= coalesce(nullif(:'to_month', ''), '9999-99')
    group by c.account_id, c.day, c.project_id, c.project_name, c.currency
),

by_day as (
    select distinct on (p.account_id, p.day)
        p.account_id,
        p.day,
        sum(p.cost) over (partition by p.account_id, p.day) as cost,
        sum(p.cost) over (partition by p.account_id, to_char(p.day, 'YYYY-MM')) as month_cost,
        p.project_id,
        p.project_name,
        p.cost as project_cost,
        p.currency
    from by_project as p
    order by p.account_id, p.day, p.cost desc, p.project_id collate "C"
)

select
    d.account_id,
    d.day,
    to_char(d.day, 'Dy') as weekday,
    d.cost,
    round(100 * d.cost / nullif(d.month_cost, 0), 1) as share,
    d.project_id as top_project_id,
    d.project_name as top_project_name,
    d.project_cost as top_project_cost,
    d.currency
from by_day as d
order by d.cost desc, d.account_id, d.day
limit coalesce(nullif(:'limit', ''), '10')::bigint;
