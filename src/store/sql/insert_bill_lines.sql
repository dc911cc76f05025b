-- $1: account, $2: month, $3: revision, then one array a column
insert into agora.bill_line (
    account_id, month, revision, service, media, tier, seconds, minutes,
    free_minutes, billable_minutes, unit_price_per_1000, amount
)
select
    $1, $2, $3, service, media, tier, seconds::numeric, minutes::numeric,
    free_minutes::numeric, billable_minutes::numeric,
    unit_price_per_1000::numeric, amount::numeric
from unnest(
    $4::text[], $5::text[], $6::integer[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::text[], $12::text[]
) as r (
    service, media, tier, seconds, minutes,
    free_minutes, billable_minutes, unit_price_per_1000, amount
)
