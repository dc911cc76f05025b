-- Question: Which plan would have been cheapest, and what would it have saved?
-- Parameter account (account) = : account name; empty: every account
-- Columns:
--   account_id                  account of the settings
--   rank                        from 1 for the cheapest
--   plan                        price book, and package where there is a choice
--   first_month, last_month     months that were compared, YYYY-MM
--   total                       of all the months before tax, in the currency
--   low, high                   range that Agora's open rules leave, in the currency
--   saved                       less than the books in force, in the currency; none where usage has no price
--   currency                    ISO 4217 code
--   is_in_force                 whether it held in all the months
--   prices_all_usage            whether it has a price for all usage; else its total is too low
--   break_even_percent          nearest volume at which it is cheaper than the first, in per cent
--   break_even_minutes_a_month  minutes a month at that volume
-- Rows are those of the newest `agora-usage bill compare`.
\if :{?account} \else \set account '' \endif
select
    c.account_id,
    c.rank,
    c.plan,
    to_char(c.first_month, 'YYYY-MM') as first_month,
    to_char(c.last_month, 'YYYY-MM') as last_month,
    c.total,
    c.low,
    c.high,
    c.saved,
    c.currency,
    c.is_in_force,
    c.prices_all_usage,
    c.break_even_percent,
    c.break_even_minutes_a_month
from agora.plan_comparison as c
where (:'account' = '' or c.account_id = :'account')
order by c.account_id, c.rank;
