-- Every table, view and column of the schema with its comment, as analysts see
-- them: partitions are part of their table.
select
    c.relname::text as relation,
    c.relkind = 'v' as is_view,
    coalesce(obj_description(c.oid, 'pg_class'), '') as relation_comment,
    a.attname::text as column_name,
    format_type(a.atttypid, a.atttypmod) as type_name,
    not a.attnotnull as is_nullable,
    coalesce(k.position, 0)::integer as key_position,
    coalesce(col_description(c.oid, a.attnum), '') as column_comment
from pg_catalog.pg_class as c
join pg_catalog.pg_attribute as a
    on a.attrelid = c.oid
    and a.attnum > 0
    and not a.attisdropped
left join pg_catalog.pg_index as i on i.indrelid = c.oid and i.indisprimary
left join lateral unnest(i.indkey::smallint[]) with ordinality as k (attnum, position)
    on k.attnum = a.attnum
where
    c.relnamespace = 'agora'::regnamespace
    and c.relkind in ('r', 'p', 'v')
    and not c.relispartition
order by c.relname collate "C", a.attnum
