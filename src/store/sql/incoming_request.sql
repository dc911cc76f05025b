create temporary table incoming_request on commit drop as
select *
from unnest($1::bigint[], $2::text[], $3::text[], $4::date[], $5::date[])
    as r (request_id, project_id, service, from_day, to_day)
