-- An answer for all projects that says what it said before, about values that nobody
-- has touched since, changes nothing: told by two hashes, without reading the values.
alter table agora.sync_request
    add column answer_sha256 bytea check (length(answer_sha256) = 32),
    add column stored_hash bigint,
    add check ((answer_sha256 is null) = (stored_hash is null));

comment on column agora.sync_request.answer_sha256 is
    'SHA-256 of what the answer says; of answers for all projects that hold usage, else null.';
comment on column agora.sync_request.stored_hash is
    'Hash of the values in usage_daily that the request covers, those of the answer included; null as answer_sha256. Made by usage_hash.';

-- The hash of a bigint is that of its two halves under xor: numbers of 32 bits, which
-- nearly all are, have hashes of their own, and larger ones count as text.
create function agora.usage_hash(
    project_id text, day date, source text,
    audio_seconds bigint, sd_seconds bigint, hd_seconds bigint, hdp_seconds bigint,
    full_hd_seconds bigint, video_2k_seconds bigint, video_2k_plus_seconds bigint,
    extra_seconds jsonb, missing_media text[], request_id bigint
) returns bigint
language sql stable parallel safe
return hash_record_extended(
    row(
        project_id, day, source,
        audio_seconds, sd_seconds, hd_seconds, hdp_seconds,
        full_hd_seconds, video_2k_seconds, video_2k_plus_seconds,
        case
            when
                greatest(
                    audio_seconds, sd_seconds, hd_seconds, hdp_seconds,
                    full_hd_seconds, video_2k_seconds, video_2k_plus_seconds
                ) > 4294967295
            then
                array[
                    audio_seconds, sd_seconds, hd_seconds, hdp_seconds,
                    full_hd_seconds, video_2k_seconds, video_2k_plus_seconds
                ]::text
        end,
        case when pg_column_size(extra_seconds) > 8 then extra_seconds end,
        case when pg_column_size(missing_media) > 16 then missing_media end,
        request_id
    ),
    0
);

comment on function agora.usage_hash is
    'Hash of a value of usage_daily or usage_revision and of the request that it came from: all that an answer is compared with. Empty objects and lists, which nearly all are, count as null (an empty object has 8 bytes at the most, an empty list 16). Versions of PostgreSQL may differ in it.';
