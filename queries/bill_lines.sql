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
--   revision             0: draft; from 1: closed revision
--   closed_at            when that was closed, UTC; empty: draft
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
    b.currency,
    b.revision,
    to_char(b.closed_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as closed_at
from agora.bill_in_force as b
join agora.bill_line as l using (account_id, month, revision)
where
    (:'account' = '' or l.account_id = :'account')
    and (:'month' = '' or l.month = to_date(nullif(:'month', ''), 'YYYY-MM'))
order by l.account_id, l.month, l.service, l.media, l.tier;
