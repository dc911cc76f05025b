-- Usage as it was once known: of current and superseded values those that had
-- been received, and had not been replaced by another one that had. Where two
-- clocks disagree the higher request counts, as in the table itself.
-- $1: account, $2: first day, $3: last day,
-- $4: time up to which answers count; null: any,
-- $5: request up to which answers count; null: any
with value as (
    select
        project_id, service, day, source,
        audio_seconds, sd_seconds, hd_seconds, hdp_seconds,
        full_hd_seconds, video_2k_seconds, video_2k_plus_seconds,
        extra_seconds, missing_media, observed_at, request_id, true as is_current
    from agora.usage_daily
    where account_id = $1 and day between $2 and $3
    union all
    select
        project_id, service, day, source,
        audio_seconds, sd_seconds, hd_seconds, hdp_seconds,
        full_hd_seconds, video_2k_seconds, video_2k_plus_seconds,
        extra_seconds, missing_media, observed_at, request_id, false as is_current
    from agora.usage_revision
    where account_id = $1 and day between $2 and $3
)

select distinct on (day, project_id, service)
    project_id, service, day, source,
    audio_seconds, sd_seconds, hd_seconds, hdp_seconds,
    full_hd_seconds, video_2k_seconds, video_2k_plus_seconds,
    nullif(extra_seconds, '{}')::text,
    nullif(array_to_string(missing_media, ','), ''),
    request_id
from value
where
    ($4::timestamptz is null or observed_at <= $4)
    and ($5::bigint is null or request_id <= $5)
-- A value that was changed by hand names the request of the one that was sent.
order by day, project_id, service, request_id desc, is_current
