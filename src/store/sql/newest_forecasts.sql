-- The newest forecast of each account's newest month, and, in the first days of
-- that month, of the month before it.
-- $1 accounts; $2 how many days
with newest as (
    select distinct on (account_id, month)
        account_id, month, last_day, currency, to_date, expected, low, high, first_billed_day,
        max(last_day) over (partition by account_id) as newest_day
    from agora.month_forecast
    where account_id = any($1)
    order by account_id, month, last_day desc
)
select
    account_id, month, last_day, currency, to_date::text as to_date,
    expected::text as expected, low::text as low, high::text as high, first_billed_day
from newest
where month = date_trunc('month', newest_day)::date
    or (
        extract(day from newest_day) <= $2
        and month = (date_trunc('month', newest_day) - interval '1 month')::date
    )
order by account_id, month desc
