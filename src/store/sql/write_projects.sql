-- $1: account, then one array a column, last: when the list was received
insert into agora.project as p (
    account_id, project_id, project_name, app_id, status, created_at,
    has_certificate, recording_server, first_seen_at, last_listed_at
)
select
    $1, project_id, project_name, app_id, status, created_at,
    has_certificate, recording_server, $9, $9
from unnest(
    $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
    $7::boolean[], $8::text[]
) as r (
    project_id, project_name, app_id, status, created_at,
    has_certificate, recording_server
)
order by project_id
on conflict (account_id, project_id) do update set
    project_name = excluded.project_name,
    app_id = coalesce(excluded.app_id, p.app_id),
    status = excluded.status,
    created_at = coalesce(excluded.created_at, p.created_at),
    has_certificate = excluded.has_certificate,
    recording_server = excluded.recording_server,
    last_listed_at = excluded.last_listed_at,
    deleted_at = null
