-- Question: What did each project cost in each month?
-- Parameter account (account) = : account name; empty: every account
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
-- Months appear once they were reported (`agora-usage report`).
\if :{?account} \else \set account '' \endif
\if :{?from_month} \else \set from_month '' \endif
\if :{?to_month} \else \set to_month '' \endif
select
    c.account_id,
    to_char(c.month, 'YYYY-MM') as month,
    c.project_id,
    c.project_name,
    c.cost,
    c.currency,
    round(100 * c.cost / nullif(b.amount_due, 0), 1) as share,
    c.bill_status
from agora.project_cost_monthly as c
join agora.bill as b
    on b.account_id = c.account_id
    and b.month = c.month
    and b.revision = 0
where
    c.account_id = coalesce(nullif(:'account', ''), c.account_id)
    and to_char(c.month, 'YYYY-MM') >= coalesce(nullif(:'from_month', ''), '0000-00')
    and to_char(c.month, 'YYYY-MM') <= coalesce(nullif(:'to_month', ''), '9999-99')
order by c.account_id, c.month, c.cost desc, c.project_id collate "C";
