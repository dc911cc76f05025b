-- account_id,project_id,day,service,cost
select account_id, project_id, day, service, cost::numeric(38, 12)
from (
    select account_id, project_id, day, service, cost from agora.project_cost_daily
    union all
    select
        account_id,
        project_id,
        (month + interval '1 month' - interval '1 day')::date,
        'adjustment',
        sum(cost)
    from agora.bill_adjustment
    join agora.bill_in_force using (account_id, month, revision)
    group by account_id, project_id, month
) as c
where cost < 0
order by account_id collate "C", project_id collate "C", day, service collate "C"
