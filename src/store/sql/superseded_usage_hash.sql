-- The same of the values that one request has replaced.
-- $1: account, $2: first day, $3: last day, $4: service, $5: the request
select
    coalesce(
        bit_xor(
            agora.usage_hash(
                project_id, day, source,
                audio_seconds, sd_seconds, hd_seconds, hdp_seconds,
                full_hd_seconds, video_2k_seconds, video_2k_plus_seconds,
                extra_seconds, missing_media, request_id
            )
        ),
        0
    )
from agora.usage_revision
where account_id = $1 and day between $2 and $3 and service = $4 and superseded_by = $5
