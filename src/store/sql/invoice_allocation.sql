-- The parts of a month's newest invoice, with its currency.
-- $1: account, $2: month, $3: time up to which imports count; null: any
select a.project_id, a.cost::text, i.currency
from agora.invoice_allocation as a
join agora.invoice as i using (account_id, month, import)
where
    a.account_id = $1
    and a.month = $2
    and a.import = (
        select max(n.import)
        from agora.invoice as n
        where
            n.account_id = $1
            and n.month = $2
            and ($3::timestamptz is null or n.imported_at <= $3)
    )
order by a.project_id
