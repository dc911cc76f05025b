-- Lines of a bill: what each is about, and its values as text.
-- $1: account, $2: month, $3: revision
select
    concat_ws(' ', 'line', kind, nullif(service, ''), nullif(media, ''), tier) as name,
    concat(
        coalesce(seconds::text, '-'), ' s, ', minutes, ' min, ', free_minutes, ' free, ',
        billable_minutes, ' billable, ', coalesce(coefficient::text, '-'), ' coefficient, ',
        unit_price_per_1000, ' per 1000, ', amount
    ) as value
from agora.bill_line
where account_id = $1 and month = $2 and revision = $3
