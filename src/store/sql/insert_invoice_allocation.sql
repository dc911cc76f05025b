-- $1: account, $2: month, $3: import, $4: project ids, $5: costs
insert into agora.invoice_allocation (account_id, month, import, project_id, cost)
select $1, $2, $3, project_id, cost::numeric
from unnest($4::text[], $5::text[]) as r (project_id, cost)
