-- Question: What did each cost centre cost in each month?
-- Parameter account (account) = : account name; empty: every account
-- Parameter month (month) = : that month alone, YYYY-MM; empty: as from_month and to_month say
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
    c.cost_centre,
    c.cost,
    c.currency,
    c.bill_status,
    c.revision,
    to_char(c.closed_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as closed_at
from agora.cost_centre_cost_monthly as c
where
    (:'account' = '' or c.account_id = :'account')
    and (:'month' = '' or c.month = to_date(nullif(:'month', ''), 'YYYY-MM'))
    and (:'from_month' = '' or c.month >= to_date(nullif(:'from_month', ''), 'YYYY-MM'))
    and (:'to_month' = '' or c.month <= to_date(nullif(:'to_month', ''), 'YYYY-MM'))
order by c.account_id, c.month, c.cost desc, c.cost_centre collate "C";
