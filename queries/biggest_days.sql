-- Question: Which days cost most, and which project was it?
-- Parameter account (account) = : account name; empty: every account
-- Parameter month (month) = : that month alone, YYYY-MM; empty: as from_month and to_month say
-- Parameter from_month (month) = : first month, YYYY-MM; empty: the earliest
-- Parameter to_month (month) = : last month, YYYY-MM; empty: the latest
-- Parameter limit (count from 1) = 10: most rows of each currency
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
--   revision          0: draft; from 1: closed revision
-- Months appear once they were reported (`agora-usage report`).
\if :{?account} \else \set account '' \endif
\if :{?month} \else \set month '' \endif
\if :{?from_month} \else \set from_month '' \endif
\if :{?to_month} \else \set to_month '' \endif
\if :{?limit} \else \set limit '10' \endif
with by_day as (
    select
        c.account_id,
        c.day,
        c.currency,
        c.revision,
        sum(c.cost) as cost
    from agora.project_cost_daily as c
    where
        (:'account' = '' or c.account_id = :'account')
        and (
            :'month' = ''
            or c.day >= to_date(nullif(:'month', ''), 'YYYY-MM')
            and c.day < (to_date(nullif(:'month', ''), 'YYYY-MM') + interval '1 month')::date
        )
        and (:'from_month' = '' or c.day >= to_date(nullif(:'from_month', ''), 'YYYY-MM'))
        and (
            :'to_month' = ''
            or c.day < (to_date(nullif(:'to_month', ''), 'YYYY-MM') + interval '1 month')::date
        )
    group by c.account_id, c.day, c.currency, c.revision
),

-- Amounts of different currencies cannot be told to be more or less.
ranked as (
    select
        d.account_id,
        d.day,
        d.currency,
        d.revision,
        d.cost,
        sum(d.cost) over (partition by d.account_id, date_trunc('month', d.day::timestamp)) as month_cost,
        row_number() over (
            partition by d.currency order by d.cost desc, d.account_id, d.day
        ) as place
    from by_day as d
)

select
    d.account_id,
    d.day,
    to_char(d.day, 'Dy') as weekday,
    d.cost,
    round(100 * d.cost / nullif(abs(d.month_cost), 0), 1) as share,
    p.project_id as top_project_id,
    coalesce(n.project_name, '') as top_project_name,
    p.cost as top_project_cost,
    d.currency,
    d.revision
-- The days first: their projects are then looked for on few days.
from ranked as d
cross join lateral (
    select a.project_id, sum(a.cost) as cost
    from agora.bill_allocation as a
    where
        a.account_id = d.account_id
        and a.month = date_trunc('month', d.day::timestamp)::date
        and a.revision = d.revision
        and a.day = d.day
    group by a.project_id
    order by sum(a.cost) desc, a.project_id collate "C"
    limit 1
) as p
left join agora.project as n
    on n.account_id = d.account_id
    and n.project_id = p.project_id
where d.place <= coalesce(nullif(:'limit', ''), '10')::bigint
order by d.currency, d.place;
