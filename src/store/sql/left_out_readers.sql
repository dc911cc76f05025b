-- Readers of a backup who see less, or nothing, in the database that it is restored to.
select
    b.role_name,
    array_agg(b.account_id order by b.account_id) as account_ids
from pg_temp.reader_of_backup as b
where not exists (
    select
    from agora.account_reader as r
    where
        r.role_name = b.role_name
        and r.account_id in (b.account_id, '*')
)
group by b.role_name
order by b.role_name
