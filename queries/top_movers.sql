-- Question: Which projects' costs changed most from the month before?
-- Parameter account (account) = : account name; empty: every account
-- Parameter month (month) = : month, YYYY-MM; empty: the newest that was reported
-- Parameter limit (count from 1) = 20: most rows of each currency
-- Columns:
--   account_id      account of the settings
--   project_id      short token of the project
--   project_name    name as last listed
--   month           month that is looked at, YYYY-MM
--   cost_before     cost of the month before, in the currency; empty when that month was
--                   never reported, or in another currency
--   cost            cost of the month, in the currency
--   change          cost less cost_before, in the currency
--   change_percent  change in per cent of cost_before, one decimal; empty when that is 0
--   currency        ISO 4217 code
--   revision        of the month's bill, 0: draft; from 1: closed revision
-- Months appear once they were reported (`agora-usage report`). A month in progress is compared as it is.
\if :{?account} \else \set account '' \endif
\if :{?month} \else \set month '' \endif
\if :{?limit} \else \set limit '20' \endif
with chosen as (
    select coalesce(to_date(nullif(:'month', ''), 'YYYY-MM'), max(b.month)) as month
    from agora.bill as b
    where (:'account' = '' or b.account_id = :'account')
),

billed as (
    select
        b.account_id,
        b.month,
        b.currency,
        b.revision,
        before.month is not null as has_before
    from agora.bill_in_force as b
    left join agora.bill_in_force as before
        on before.account_id = b.account_id
        and before.month = (b.month - interval '1 month')::date
        and before.currency = b.currency
    where
        (:'account' = '' or b.account_id = :'account')
        and b.month = (select m.month from chosen as m)
),

cost as (
    select
        c.account_id,
        c.project_id,
        c.project_name,
        b.month,
        b.currency,
        b.revision,
        coalesce(sum(c.cost) filter (where c.month = b.month), 0) as cost,
        case
            when b.has_before then coalesce(sum(c.cost) filter (where c.month < b.month), 0)
        end as cost_before
    from billed as b
    join agora.project_cost_monthly as c
        on c.account_id = b.account_id
        and c.currency = b.currency
    where
        (:'account' = '' or c.account_id = :'account')
        -- Asked so, only the two months are summed.
        and c.month <= (select n.month from chosen as n)
        and c.month >= (select (n.month - interval '1 month')::date from chosen as n)
    group by
        c.account_id, c.project_id, c.project_name, b.month, b.currency, b.revision, b.has_before
),

-- Amounts of different currencies cannot be told to be more or less.
ranked as (
    select
        c.*,
        row_number() over (
            partition by c.currency
            order by
                abs(c.cost - coalesce(c.cost_before, 0)) desc, c.account_id,
                c.project_id collate "C"
        ) as place
    from cost as c
)

select
    c.account_id,
    c.project_id,
    c.project_name,
    to_char(c.month, 'YYYY-MM') as month,
    c.cost_before,
    c.cost,
    c.cost - c.cost_before as change,
    round(100 * (c.cost - c.cost_before) / nullif(abs(c.cost_before), 0), 1) as change_percent,
    c.currency,
    c.revision
from ranked as c
where c.place <= coalesce(nullif(:'limit', ''), '20')::bigint
order by c.currency, c.place;
