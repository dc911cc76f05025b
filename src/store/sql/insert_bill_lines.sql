-- $1: account, $2: month, $3: revision, then one array a column
insert into agora.bill_line (
    account_id, month, revision, kind, service, media, tier, seconds, minutes,
    free_minutes, billable_minutes, coefficient, unit_price_per_1000, amount, note
)
select
    $1, $2, $3, kind, service, media, tier, seconds::numeric, minutes::numeric,
    free_minutes::numeric, billable_minutes::numeric, coefficient::numeric,
    unit_price_per_1000::numeric, amount::numeric, note
from unnest(
    $4::text[], $5::text[], $6::text[], $7::integer[], $8::text[], $9::text[],
    $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[]
) as r (
    kind, service, media, tier, seconds, minutes,
    free_minutes, billable_minutes, coefficient, unit_price_per_1000, amount, note
)
