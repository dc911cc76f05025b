-- Tables and views that a reader may read, quoted. Partitions are read through
-- their table, and who else reads is nobody's business.
select format('agora.%I', c.relname)
from pg_catalog.pg_class as c
where
    c.relnamespace = 'agora'::regnamespace
    and c.relkind in ('r', 'p', 'v')
    and not c.relispartition
    and c.relname <> 'account_reader'
order by c.relname collate "C"
