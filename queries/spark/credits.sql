-- Question: On which days did a project get money back?
-- Reads cost_daily; the filter is one that the files' statistics answer. Adjustments have
-- the service 'adjustment' and the last day of their month.
select
    account_id,
    project_id,
    cast(day as string) as day,
    service,
    cast(cost as decimal(38, 12)) as cost
from cost_daily
where cost < 0
order by account_id, project_id, day, service
