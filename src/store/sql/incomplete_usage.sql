-- Rows with a value that should have been sent and was not.
-- $1: account, $2: first day, $3: last day
select
    project_id, service, day, source,
    audio_seconds, sd_seconds, hd_seconds, hdp_seconds,
    full_hd_seconds, video_2k_seconds, video_2k_plus_seconds,
    nullif(extra_seconds, '{}'), nullif(missing_media, '{}')
from agora.usage_daily
where
    account_id = $1
    and day between $2 and $3
    and (
        missing_media <> '{}'
        or (
            extra_seconds <> '{}'
            and jsonb_path_exists(extra_seconds, '$.* ? (@ == null)')
        )
    )
order by day, project_id, service
