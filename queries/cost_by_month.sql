-- Question: What was each month's bill, and how did it change?
-- Parameter account (account) = : account name; empty: every account
-- Parameter month (month) = : that month alone, YYYY-MM; empty: as from_month and to_month say
-- Parameter from_month (month) = : first month, YYYY-MM; empty: the earliest
-- Parameter to_month (month) = : last month, YYYY-MM; empty: the latest
-- Columns:
--   account_id      account of the settings
--   month           calendar month in UTC, YYYY-MM
--   total           what is due, adjustments included, in the currency
--   change          total less that of the calendar month before, in the currency; empty: never reported
--   change_percent  change in per cent, one decimal
--   unallocated     part of the rated total that belongs to no project, in the currency
--   currency        ISO 4217 code
--   bill_status     complete, incomplete or in_progress
--   book            name of the price book
--   revision        0: draft; from 1: closed revision
--   closed_at       when that was closed, UTC; empty: draft
-- Months appear once they were reported (`agora-usage report`).
\if :{?account} \else \set account '' \endif
\if :{?month} \else \set month '' \endif
\if :{?from_month} \else \set from_month '' \endif
\if :{?to_month} \else \set to_month '' \endif
select
    b.account_id,
    to_char(b.month, 'YYYY-MM') as month,
    round(b.amount_due, b.minor_unit_digits) as total,
    round(b.amount_due - before.amount_due, b.minor_unit_digits) as change,
    round(100 * (b.amount_due - before.amount_due) / nullif(abs(before.amount_due), 0), 1) as change_percent,
    round(b.unallocated, b.minor_unit_digits) as unallocated,
    b.currency,
    b.status as bill_status,
    b.book_name as book,
    b.revision,
    to_char(b.closed_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as closed_at
from agora.bill_in_force as b
left join agora.bill_in_force as before
    on before.account_id = b.account_id
    and before.month = (b.month - interval '1 month')::date
    and before.currency = b.currency
where
    (:'account' = '' or b.account_id = :'account')
    and (:'month' = '' or b.month = to_date(nullif(:'month', ''), 'YYYY-MM'))
    and (:'from_month' = '' or b.month >= to_date(nullif(:'from_month', ''), 'YYYY-MM'))
    and (:'to_month' = '' or b.month <= to_date(nullif(:'to_month', ''), 'YYYY-MM'))
order by b.account_id, b.month;
