-- What each project has of the adjustments of a bill.
-- $1: account, $2: month, $3: revision
select
    concat('adjustment ', adjustment_id, ' of project ', project_id) as name,
    cost::text as value
from agora.bill_adjustment
where account_id = $1 and month = $2 and revision = $3
