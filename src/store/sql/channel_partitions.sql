-- Names of the partitions of occupancy_channel.
select c.relname::text
from pg_catalog.pg_inherits as i
join pg_catalog.pg_class as c on c.oid = i.inhrelid
where i.inhparent = 'agora.occupancy_channel'::regclass
order by c.relname
