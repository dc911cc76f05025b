-- Question: How does each budget stand, and where is it going?
-- Parameter account (account) = : account name; empty: every account
-- Parameter month (month) = : month, YYYY-MM; empty: every month
-- Columns:
--   account_id        account of the settings
--   month             calendar month in UTC, YYYY-MM
--   scope             account, project or cost_centre
--   name              project or cost centre; empty for the account
--   last_day          newest day that was over
--   amount            what may be spent in the month, in the currency
--   to_date           spent so far, in the currency
--   spent_percent     the same in per cent of the amount
--   expected          expected at the month's end, in the currency
--   expected_percent  the same in per cent of the amount
--   used_up_on        day on which it is or will be used up
--   currency          ISO 4217 code
-- Rows are those of the newest forecast (`agora-usage forecast`, and the job outlook).
\if :{?account} \else \set account '' \endif
\if :{?month} \else \set month '' \endif
select
    b.account_id,
    to_char(b.month, 'YYYY-MM') as month,
    b.scope,
    b.name,
    b.last_day,
    b.amount,
    b.to_date,
    b.spent_percent,
    b.expected,
    b.expected_percent,
    b.used_up_on,
    b.currency
from agora.budget_status as b
where
    b.account_id = coalesce(nullif(:'account', ''), b.account_id)
    and to_char(b.month, 'YYYY-MM') = coalesce(nullif(:'month', ''), to_char(b.month, 'YYYY-MM'))
order by b.account_id, b.month, b.scope, b.name collate "C";
