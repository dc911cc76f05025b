-- One number of all that an answer for all projects is compared with, so that a value
-- that was changed by hand, or a row that is gone, is noticed; and the same without
-- the values of one request.
-- $1: account, $2: first day, $3: last day, $4: service, $5: the request
with stored as (
    select
        request_id,
        agora.usage_hash(
            project_id, day, source,
            audio_seconds, sd_seconds, hd_seconds, hdp_seconds,
            full_hd_seconds, video_2k_seconds, video_2k_plus_seconds,
            extra_seconds, missing_media, request_id
        ) as hash
    from agora.usage_daily
    where account_id = $1 and day between $2 and $3 and service = $4
    -- So that each row is hashed once and not for each sum.
    offset 0
)

select
    coalesce(bit_xor(hash), 0) as all_values,
    coalesce(bit_xor(hash) filter (where request_id <> $5), 0) as other_values
from stored
