-- A value that somebody changed by hand still names the request that it came from. The
-- next answer replaces it, and there is a revision of that request already: the value
-- that the platform once sent, which stays. So far that answer could not be written.
create or replace function agora.keep_superseded_usage() returns trigger
language plpgsql as $$
begin
    insert into agora.usage_revision (
        account_id, project_id, service, day, source,
        audio_seconds, sd_seconds, hd_seconds, hdp_seconds,
        full_hd_seconds, video_2k_seconds, video_2k_plus_seconds,
        extra_seconds, missing_media, observed_at, request_id,
        superseded_at, superseded_by
    ) values (
        old.account_id, old.project_id, old.service, old.day, old.source,
        old.audio_seconds, old.sd_seconds, old.hd_seconds, old.hdp_seconds,
        old.full_hd_seconds, old.video_2k_seconds, old.video_2k_plus_seconds,
        old.extra_seconds, old.missing_media, old.observed_at, old.request_id,
        new.observed_at, new.request_id
    )
    on conflict do nothing;
    return new;
end
$$;

comment on table agora.usage_revision is
    'Usage values that were replaced by newer ones. Written by a trigger of usage_daily, so that no writer can overwrite what the platform said without a trace; of a value that was put in by hand under the request of another one, only the latter is kept.';
