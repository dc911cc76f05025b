-- An empty object has 8 bytes at the most and an empty list 16, one with
-- content more: telling by size takes half the time of comparing, and empty
-- ones, which nearly all are, come as null.
-- $1: account, $2: first day, $3: last day
select
    project_id, service, day, source,
    audio_seconds, sd_seconds, hd_seconds, hdp_seconds,
    full_hd_seconds, video_2k_seconds, video_2k_plus_seconds,
    case when pg_column_size(extra_seconds) > 8 then extra_seconds::text end,
    case
        when pg_column_size(missing_media) > 16
            then array_to_string(missing_media, ',')
    end,
    request_id
from agora.usage_daily
where account_id = $1 and day between $2 and $3
order by day, project_id, service
