-- Months of some accounts with usage or a bill, and what tells whether they have changed.
-- Every changed value has a newer request, so that the sum of their numbers grows.
-- $1: accounts
with usage as (
    select
        date_trunc('month', u.day)::date as month,
        count(*) as values,
        sum(u.request_id) as requests
    from agora.usage_daily as u
    where u.account_id = any($1)
    group by date_trunc('month', u.day)::date
),

bill as (
    select
        b.month,
        md5(string_agg(
            concat_ws(' ', b.account_id, b.revision, b.status, extract(epoch from b.rated_at)),
            ',' order by b.account_id, b.revision
        )) as bills
    from agora.bill as b
    where b.account_id = any($1)
    group by b.month
)

select
    month,
    format('values=%s requests=%s', u.values, u.requests) as usage_state,
    format('bills=%s', b.bills) as cost_state,
    u.month is not null as has_usage,
    b.month is not null as has_bills
from usage as u
full join bill as b using (month)
order by month
