-- $1: account, $2: first day, $3: last day, $4: time after which no close is known; null: all are
-- The newest closed bill of each month; costs in millionths of the currency.
with newest as (
    select distinct on (month)
        account_id, month, revision, status, amount_due, currency, minor_unit_digits
    from agora.bill
    where
        account_id = $1
        and month between $2 and $3
        and closed_at is not null
        and ($4::timestamptz is null or closed_at <= $4)
    order by month, revision desc
)
select
    n.month,
    n.status,
    n.currency,
    round(n.amount_due, n.minor_unit_digits)::text as amount_due,
    trunc(coalesce(sum(a.audio_cost), 0) * 1000000)::text as audio,
    trunc(coalesce(sum(a.sd_cost), 0) * 1000000)::text as sd,
    trunc(coalesce(sum(a.hd_cost), 0) * 1000000)::text as hd,
    trunc(coalesce(sum(a.hdp_cost), 0) * 1000000)::text as hdp,
    trunc(coalesce(sum(a.full_hd_cost), 0) * 1000000)::text as full_hd,
    trunc(coalesce(sum(a.video_2k_cost), 0) * 1000000)::text as video_2k,
    trunc(coalesce(sum(a.video_2k_plus_cost), 0) * 1000000)::text as video_2k_plus
from newest as n
left join agora.bill_allocation as a using (account_id, month, revision)
group by n.month, n.status, n.currency, n.amount_due, n.minor_unit_digits
order by n.month
