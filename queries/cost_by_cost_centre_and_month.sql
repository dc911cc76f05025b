-- Question: What did each cost centre cost in each month?
-- Parameter account (account) = : account name; empty: every account
-- Parameter from_month (month) = : first month, YYYY-MM; empty: the earliest
-- Parameter to_month (month) = : last month, YYYY-MM; empty: the latest
-- Columns:
--   account_id    account of the settings
--   month         calendar month in UTC, YYYY-MM
--   cost_centre   tag of the projects; (untagged): none; (unallocated): of no project
--   cost          in the currency, whole minor units, adjustments included; a month's
--                 costs sum to its bill
--   currency      ISO 4217 code
--   bill_status   complete, incomplete or in_progress
-- Months appear once they were reported (`agora-usage report`).
\if :{?account} \else \set account '' \endif
\if :{?from_month} \else \set from_month '' \endif
\if :{?to_month} \else \set to_month '' \endif
select
    c.account_id,
    to_char(c.month, 'YYYY-MM') as month,
    c.cost_centre,
    c.cost,
    c.currency,
    c.bill_status
from agora.cost_centre_cost_monthly as c
where
    c.account_id = coalesce(nullif(:'account', ''), c.account_id)
    and to_char(c.month, 'YYYY-MM') >= coalesce(nullif(:'from_month', ''), '0000-00')
    and to_char(c.month, 'YYYY-MM') <= coalesce(nullif(:'to_month', ''), '9999-99')
order by c.account_id, c.month, c.cost desc, c.cost_centre collate "C";
