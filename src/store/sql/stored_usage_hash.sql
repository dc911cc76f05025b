-- One number of all that an answer for all projects is compared with, so that a value
-- that was changed by hand, or a row that is gone, is noticed. Empty objects and lists,
-- which nearly all are, count as null (see stored_usage.sql), and the columns that are
-- the same in every row not at all: hashing whole rows takes twice the time.
-- $1: account, $2: first day, $3: last day, $4: service
select
    coalesce(
        bit_xor(
            hash_record_extended(
                row(
                    project_id, day, source,
                    audio_seconds, sd_seconds, hd_seconds, hdp_seconds,
                    full_hd_seconds, video_2k_seconds, video_2k_plus_seconds,
                    case when pg_column_size(extra_seconds) > 8 then extra_seconds end,
                    case when pg_column_size(missing_media) > 16 then missing_media end,
                    request_id
                ),
                0
            )
        ),
        0
    )
from agora.usage_daily
where account_id = $1 and day between $2 and $3 and service = $4
