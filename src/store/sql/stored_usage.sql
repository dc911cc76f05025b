-- Stored cells of all projects that a request covers, to compare its answer with.
-- $1: account, $2: first day, $3: last day, $4: service
select
    project_id, service, day, source,
    audio_seconds, sd_seconds, hd_seconds, hdp_seconds,
    full_hd_seconds, video_2k_seconds, video_2k_plus_seconds,
    nullif(extra_seconds, '{}'), nullif(missing_media, '{}'),
    request_id
from agora.usage_daily
where account_id = $1 and day between $2 and $3 and service = $4
