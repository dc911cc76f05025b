-- $1: account, $2: month
-- The allocation as one text, to see whether another import would say the same.
select
    i.import,
    i.file_name,
    i.file_sha256,
    (
        select coalesce(string_agg(a.project_id || '=' || a.cost, ',' order by a.project_id collate "C"), '')
        from agora.invoice_allocation as a
        where (a.account_id, a.month, a.import) = (i.account_id, i.month, i.import)
    ) as allocation
from agora.invoice_in_force as i
where i.account_id = $1 and i.month = $2
