-- $1: account; then one array a column. Arrays of days come as texts, since
-- arrays of arrays cannot be taken apart row by row.
insert into agora.sync_request (
    account_id, request_id, endpoint, project_id, service, from_day, to_day,
    started_at, finished_at, outcome, http_status, attempts,
    platform_request_id, message, rows_received, contradicted_days, answer_sha256, stored_hash
)
select
    $1, request_id, endpoint, project_id, service, from_day, to_day,
    started_at, finished_at, outcome, http_status, attempts,
    platform_request_id, message, rows_received,
    contradicted_days::date[], answer_sha256, stored_hash
from unnest(
    $2::bigint[], $3::text[], $4::text[], $5::text[], $6::date[], $7::date[],
    $8::timestamptz[], $9::timestamptz[], $10::text[], $11::smallint[], $12::smallint[],
    $13::text[], $14::text[], $15::integer[], $16::text[],
    $17::bytea[], $18::bigint[]
) as r (
    request_id, endpoint, project_id, service, from_day, to_day,
    started_at, finished_at, outcome, http_status, attempts,
    platform_request_id, message, rows_received, contradicted_days, answer_sha256, stored_hash
)
