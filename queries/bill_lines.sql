-- Question: How was a month's bill made, line by line?
-- Parameter account (account) = : account name; empty: every account
-- Parameter month (month) = : month, YYYY-MM; empty: every month that was reported
-- Columns:
--   account_id           account of the settings
--   month                calendar month in UTC, YYYY-MM
--   service              service billed
--   media                media billed; SD is part of hd
--   tier                 number of the volume tier, from 1
--   minutes              minutes in the tier, rounded up once a month and media
--   free_minutes         free minutes among them
--   billable_minutes     minutes that are paid for
--   unit_price_per_1000  price of 1,000 minutes in the currency, after the tier's discount
--   amount               exact amount in the currency, not rounded
--   currency             ISO 4217 code
-- The bill is the sum of the amounts, rounded once to the minor unit of the currency.
\if :{?account} \else \set account '' \endif
\if :{?month} \else \set month '' \endif
select
    l.account_id,
    to_char(l.month, 'YYYY-MM') as month,
    l.service,
    l.media,
    l.tier,
    l.minutes,
    l.free_minutes,
    l.billable_minutes,
    l.unit_price_per_1000,
    l.amount,
    b.currency
from agora.bill_line as l
join agora.bill as b using (account_id, month, revision)
where
    l.revision = 0
    and l.account_id = coalesce(nullif(:'account', ''), l.account_id)
    and to_char(l.month, 'YYYY-MM') = coalesce(nullif(:'month', ''), to_char(l.month, 'YYYY-MM'))
order by l.account_id, l.month, l.service, l.media, l.tier;
