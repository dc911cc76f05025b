-- Columns of the schema's tables that a sequence numbers.
select
    c.relname::text as table_name,
    a.attname::text as column_name,
    format('%I.%I', n.nspname, s.relname) as sequence_name
from pg_catalog.pg_depend as d
join pg_catalog.pg_class as s on s.oid = d.objid and s.relkind = 'S'
join pg_catalog.pg_namespace as n on n.oid = s.relnamespace
join pg_catalog.pg_class as c on c.oid = d.refobjid
join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = d.refobjsubid
where
    d.classid = 'pg_catalog.pg_class'::regclass
    and d.refclassid = 'pg_catalog.pg_class'::regclass
    and d.deptype in ('a', 'i')
    and c.relnamespace = 'agora'::regnamespace
    and not c.relispartition
order by c.relname, a.attname
