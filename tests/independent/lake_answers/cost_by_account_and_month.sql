-- account_id,project_id,month,currency,cost,credits,costly_days
select
    account_id,
    project_id,
    to_char(day, 'YYYY-MM'),
    currency,
    sum(cost)::numeric(38, 12),
    sum(case when cost < 0 then cost else 0 end)::numeric(38, 12),
    count(*)
from (
    select account_id, project_id, day, currency, cost from agora.project_cost_daily
    union all
    select account_id, '', month, currency, unallocated from agora.bill_in_force
    union all
    select
        account_id,
        project_id,
        (month + interval '1 month' - interval '1 day')::date,
        currency,
        sum(cost)
    from agora.bill_adjustment
    join agora.bill_in_force using (account_id, month, revision)
    group by account_id, project_id, month, currency
) as c
where cost <> 0
group by 1, 2, 3, 4
order by account_id collate "C", project_id collate "C", 3, 4
