-- What speaks against a role as a reader, as far as the server tells; no row
-- where there is no such role. Membership counts with and without inheritance,
-- since a member may change to the role (SET ROLE).
-- $1: role, $2: accounts that it is to see; *: every account
with reachable as (
    select s.oid, s.rolname, s.rolsuper or s.rolbypassrls as bypasses_rows
    from pg_catalog.pg_roles as r
    join pg_catalog.pg_roles as s on pg_has_role(r.oid, s.oid, 'member')
    where r.rolname = $1
),

relation as (
    select c.oid, c.relname, c.relowner
    from pg_catalog.pg_class as c
    where c.relnamespace = 'agora'::regnamespace and c.relkind in ('r', 'p', 'v')
)

select
    exists (select from reachable as s where s.bypasses_rows) as bypasses_rows,
    exists (
        select from reachable as s
        where
            s.oid in (select relation.relowner from relation)
            or has_schema_privilege(s.oid, 'agora', 'create')
    ) as owns,
    (
        select min(relation.relname::text)
        from relation
        cross join reachable as s
        where has_table_privilege(s.oid, relation.oid, 'insert, update, delete, truncate')
    ) as writable,
    (
        select min(a.role_name)
        from agora.account_reader as a
        left join reachable as s on s.rolname = a.role_name
        where
            a.role_name <> $1
            and (s.oid is not null or a.role_name = 'public')
            and not a.account_id = any($2)
            and not '*' = any($2)
    ) as wider,
    (
        select min(s.rolname::text)
        from reachable as s
        where s.rolname = 'pg_read_all_data' and not '*' = any($2)
    ) as reads_all_data,
    has_database_privilege($1, current_database(), 'connect') as may_connect
from pg_catalog.pg_roles as r
where r.rolname = $1
