-- Question: What does each project cost, what does it sell for, and what is left?
-- Parameter account (account) = : account name; empty: every account
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
-- Months appear once both sides were rated (`agora-usage resale margin`).
\if :{?account} \else \set account '' \endif
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
    m.currency
from agora.project_margin_monthly as m
where
    m.account_id = coalesce(nullif(:'account', ''), m.account_id)
    and to_char(m.month, 'YYYY-MM') >= coalesce(nullif(:'from_month', ''), '0000-00')
    and to_char(m.month, 'YYYY-MM') <= coalesce(nullif(:'to_month', ''), '9999-99')
order by m.account_id, m.month, m.margin, m.project_id collate "C";
