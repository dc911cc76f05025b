-- account_id,project_id,day,service,cost
select account_id, project_id, day, service, cost::numeric(38, 12)
from agora.project_cost_daily
where cost < 0
order by account_id collate "C", project_id collate "C", day, service
