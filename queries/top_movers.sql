-- Question: Which projects' costs changed most from the month before?
-- Parameter account (account) = : account name; empty: every account
-- Parameter month (month) = : month, YYYY-MM; empty: the newest that was reported
-- Parameter limit (count) = 20: most rows
-- Columns:
--   account_id      account of the settings
--   project_id      short token of the project
--   project_name    name as last listed
--   month           month that is looked at, YYYY-MM
--   cost_before     cost of the month before, in the currency; empty when that month was never reported
--   cost            cost of the month, in the currency
--   change          cost less cost_before, in the currency
--   change_percent  change in per cent of cost_before, one decimal; empty when that is 0
--   currency        ISO 4217 code
-- Months appear once they were reported (`agora-usage report`). A month in progress is compared as it is.
\if :{?account} \else \set account '' \endif
\if :{?month} \else \set month '' \endif
\if :{?limit} \else \set limit '20' \endif
with chosen as (
    select coalesce(to_date(nullif(:'month', ''), 'YYYY-MM'), max(b.month)) as month
    from agora.bill as b
    where b.account_id = coalesce(nullif(:'account', ''), b.account_id)
),

cost as (
    select
        c.account_id,
        c.project_id,
        c.project_name,
        c.currency,
        m.month,
        coalesce(sum(c.cost) filter (where c.month = m.month), 0) as cost,
        case
            when exists (
                select
                from agora.bill as b
                where
                    b.account_id = c.account_id
                    and b.month = (m.month - interval '1 month')::date
            )
                then coalesce(sum(c.cost) filter (where c.month < m.month), 0)
        end as cost_before
    from chosen as m
    join agora.project_cost_monthly as c
        on c.month in (m.month, (m.month - interval '1 month')::date)
    where c.account_id = coalesce(nullif(:'account', ''), c.account_id)
    group by c.account_id, c.project_id, c.project_name, c.currency, m.month
)

select
    c.account_id,
    c.project_id,
    c.project_name,
    to_char(c.month, 'YYYY-MM') as month,
    c.cost_before,
    c.cost,
    c.cost - c.cost_before as change,
    round(100 * (c.cost - c.cost_before) / nullif(c.cost_before, 0), 1) as change_percent,
    c.currency
from cost as c
order by
    abs(c.cost - coalesce(c.cost_before, 0)) desc, c.account_id,
    c.project_id collate "C"
limit coalesce(nullif(:'limit', ''), '20')::bigint;
