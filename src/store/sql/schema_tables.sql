-- Tables of the schema without their partitions, with the columns that hold
-- what was written (generated ones follow from them) and those of the key.
select
    c.relname::text as table_name,
    (
        select array_agg(a.attname::text order by a.attnum)
        from pg_catalog.pg_attribute as a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    ) as columns,
    coalesce((
        select array_agg(a.attname::text order by k.position)
        from pg_catalog.pg_index as i
        cross join lateral unnest(i.indkey::smallint[]) with ordinality as k (attnum, position)
        join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = k.attnum
        where i.indrelid = c.oid and i.indisprimary
    ), '{}') as key_columns,
    (
        select array_agg(distinct r.relname::text)
        from pg_catalog.pg_constraint as f
        join pg_catalog.pg_class as r on r.oid = f.confrelid
        where f.conrelid = c.oid and f.contype = 'f' and f.confrelid <> c.oid
    ) as references_tables
from pg_catalog.pg_class as c
where
    c.relnamespace = 'agora'::regnamespace
    and c.relkind in ('r', 'p')
    and not c.relispartition
order by c.relname
