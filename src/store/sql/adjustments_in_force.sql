-- Adjustments of a month that had not been taken back, nor take back another one.
-- $1: account, $2: month, $3: newest number that is known,
-- $4: time up to which they count; null: any
select
    a.adjustment_id,
    a.month,
    trim_scale(a.amount)::text as amount,
    a.currency,
    a.project_id,
    a.cost_centre,
    a.reason
from agora.adjustment as a
where
    a.account_id = $1
    and a.month = $2
    and a.adjustment_id <= $3
    and ($4::timestamptz is null or a.recorded_at <= $4)
    and a.voids is null
    and not exists (
        select
        from agora.adjustment as v
        where
            v.account_id = a.account_id
            and v.voids = a.adjustment_id
            and v.adjustment_id <= $3
            and ($4::timestamptz is null or v.recorded_at <= $4)
    )
order by a.adjustment_id
