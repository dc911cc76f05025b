-- $1: account, $2: first month, $3: last month, $4 to $13: a list a column, the
-- cheapest plan first, $14: time
insert into agora.plan_comparison (
    account_id, rank, first_month, last_month, plan, total, low, high, saved, currency,
    is_in_force, prices_all_usage, break_even_percent, break_even_minutes_a_month, compared_at
)
select
    $1, u.rank, $2, $3, u.plan, u.total::numeric, u.low::numeric, u.high::numeric,
    u.saved::numeric, u.currency, u.is_in_force, u.prices_all_usage, u.break_even_percent,
    u.break_even_minutes::numeric, $14
from
    unnest(
        $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::boolean[], $11::boolean[], $12::integer[], $13::text[]
    ) with ordinality as u (
        plan, total, low, high, saved, currency,
        is_in_force, prices_all_usage, break_even_percent, break_even_minutes, rank
    )
