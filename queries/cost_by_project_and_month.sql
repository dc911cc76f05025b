-- Question: What did each project cost in each month?
-- Parameter account (account) = : account name; empty: every account
-- Parameter month (month) = : that month alone, YYYY-MM; empty: as from_month and to_month say
-- Parameter from_month (month) = : first month, YYYY-MM; empty: the earliest
-- Parameter to_month (month) = : last month, YYYY-MM; empty: the latest
-- Columns:
--   account_id    account of the settings
--   month         calendar month in UTC, YYYY-MM
--   project_id    short token of the project
--   project_name  name as last listed
--   cost          in the currency, whole minor units, adjustments included; a month's costs sum to its bill
--   currency      ISO 4217 code
--   share         per cent of the month's bill, one decimal
--   bill_status   complete, incomplete or in_progress
--   revision      0: draft; from 1: closed revision
--   closed_at     when that was closed, UTC; empty: draft
-- Months appear once they were reported (`agora-usage report`).
\if :{?account} \else \set account '' \endif
\if :{?month} \else \set month '' \endif
\if :{?from_month} \else \set from_month '' \endif
\if :{?to_month} \else \set to_month '' \endif
select
    c.account_id,
    to_char(c.month, 'YYYY-MM') as month,
    c.project_id,
    c.project_name,
    c.cost,
    c.currency,
    round(100 * c.cost / nullif(abs(b.amount_due), 0), 1) as share,
    c.bill_status,
    c.revision,
    to_char(c.closed_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as closed_at
from agora.project_cost_monthly as c
join agora.bill as b
    on b.account_id = c.account_id
    and b.month = c.month
    and b.revision = c.revision
where
    (:'account' = '' or c.account_id = :'account')
    and (:'month' = '' or c.month = to_date(nullif(:'month', ''), 'YYYY-MM'))
    and (:'from_month' = '' or c.month >= to_date(nullif(:'from_month', ''), 'YYYY-MM'))
    and (:'to_month' = '' or c.month <= to_date(nullif(:'to_month', ''), 'YYYY-MM'))
order by c.account_id, c.month, c.cost desc, c.project_id collate "C";
