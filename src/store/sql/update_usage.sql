-- Replaces values that are older and different, as the comparison found; a
-- trigger keeps the old ones.
-- $1: account
update agora.usage_daily as u set
    source = i.source,
    audio_seconds = i.audio_seconds,
    sd_seconds = i.sd_seconds,
    hd_seconds = i.hd_seconds,
    hdp_seconds = i.hdp_seconds,
    full_hd_seconds = i.full_hd_seconds,
    video_2k_seconds = i.video_2k_seconds,
    video_2k_plus_seconds = i.video_2k_plus_seconds,
    extra_seconds = i.extra_seconds,
    missing_media = i.missing_media,
    observed_at = i.observed_at,
    request_id = i.request_id
from incoming_usage as i
where
    u.account_id = $1
    and u.day = i.day
    and u.project_id = i.project_id
    and u.service = i.service
