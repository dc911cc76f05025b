-- Usage of some accounts in a range of days, in the order of the lake's files.
-- $1: accounts, $2: first day, $3: first day after the range
select
    u.account_id,
    u.project_id,
    u.day,
    u.service,
    u.source,
    u.audio_seconds,
    u.sd_seconds,
    u.hd_seconds,
    u.hdp_seconds,
    u.full_hd_seconds,
    u.video_2k_seconds,
    u.video_2k_plus_seconds,
    u.extra_seconds::text,
    array_to_string(u.missing_media, ','),
    u.observed_at,
    u.request_id
from agora.usage_daily as u
where u.account_id = any($1) and u.day >= $2 and u.day < $3
order by u.account_id collate "C", u.project_id collate "C", u.day, u.service collate "C"
