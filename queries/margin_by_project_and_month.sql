-- Question: What does each project cost, what does it sell for, and what is left?
-- Parameter account (account) = : account name; empty: every account
-- Parameter month (month) = : that month alone, YYYY-MM; empty: as from_month and to_month say
-- Parameter from_month (month) = : first month, YYYY-MM; empty: the earliest
-- Parameter to_month (month) = : last month, YYYY-MM; empty: the latest
-- Columns:
--   account_id      account of the settings
--   month           calendar month in UTC, YYYY-MM
--   project_id      project; empty: of no project
--   project_name    its current name
--   cost            by the cost price book, adjustments included, in the currency
--   sell            by the sell price book, in the currency
--   margin          sell less cost, in the currency
--   margin_percent  margin in per cent of sell
--   currency        ISO 4217 code
--   rated_on        UTC day on which both sides were rated; what is closed or corrected later is not in them
-- Months appear once both sides were rated (`agora-usage resale margin`).
\if :{?account} \else \set account '' \endif
\if :{?month} \else \set month '' \endif
\if :{?from_month} \else \set from_month '' \endif
\if :{?to_month} \else \set to_month '' \endif
select
    m.account_id,
    to_char(m.month, 'YYYY-MM') as month,
    m.project_id,
    m.project_name,
    m.cost,
    m.sell,
    m.margin,
    m.margin_percent,
    m.currency,
    to_char(m.rated_at at time zone 'UTC', 'YYYY-MM-DD') as rated_on
from agora.project_margin_monthly as m
where
    (:'account' = '' or m.account_id = :'account')
    and (:'month' = '' or m.month = to_date(nullif(:'month', ''), 'YYYY-MM'))
    and (:'from_month' = '' or m.month >= to_date(nullif(:'from_month', ''), 'YYYY-MM'))
    and (:'to_month' = '' or m.month <= to_date(nullif(:'to_month', ''), 'YYYY-MM'))
order by m.account_id, m.month, m.margin, m.project_id collate "C";
