-- Question: What did each account and project cost in each month, credits apart?
-- Reads cost_daily. Runs in Spark SQL and, with unix_micros defined, in DuckDB.
-- Amounts were rated before; here they are only added up. A sum of DECIMAL(28,12)
-- is DECIMAL(38,12) in both, exact; products and averages would not be.
select
    account_id,
    project_id,
    substr(cast(day as string), 1, 7) as month,
    currency,
    cast(sum(cost) as decimal(38, 12)) as cost,
    cast(sum(case when cost < 0 then cost else cast(0 as decimal(28, 12)) end) as decimal(38, 12)) as credits,
    count(*) as costly_days
from cost_daily
where cost <> 0
group by account_id, project_id, substr(cast(day as string), 1, 7), currency
order by account_id, project_id, month, currency
