-- $1: account, $2: month
select
    i.import, i.file_name, i.currency, i.total::text as total,
    a.project_id, a.cost::text as cost
from agora.invoice_in_force as i
left join agora.invoice_allocation as a using (account_id, month, import)
where i.account_id = $1 and i.month = $2
order by a.project_id collate "C"
