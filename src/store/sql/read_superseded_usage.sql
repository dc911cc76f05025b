-- $1: account, $2: first day, $3: last day
select
    project_id, service, day, source,
    audio_seconds, sd_seconds, hd_seconds, hdp_seconds,
    full_hd_seconds, video_2k_seconds, video_2k_plus_seconds,
    nullif(extra_seconds, '{}')::text,
    nullif(array_to_string(missing_media, ','), ''),
    superseded_at
from agora.usage_revision
where account_id = $1 and day between $2 and $3
order by day, project_id, service, superseded_at, request_id
