-- The delta join: only rows that are new, or newer and different, are written,
-- in key order, so that an unchanged re-run writes nothing and two writers
-- cannot deadlock. The conflict clause serves a racing writer alone; the old
-- value of an updated row is kept by a trigger.
-- $1: account
with delta as (
    select i.*
    from incoming_usage as i
    left join agora.usage_daily as u
        on u.account_id = $1
        and u.day = i.day
        and u.project_id = i.project_id
        and u.service = i.service
    where
        u.project_id is null
        or (
            i.request_id > u.request_id
            and i.source >= u.source
            and (
                i.source, i.audio_seconds, i.sd_seconds, i.hd_seconds, i.hdp_seconds,
                i.full_hd_seconds, i.video_2k_seconds, i.video_2k_plus_seconds,
                i.extra_seconds, i.missing_media
            ) is distinct from (
                u.source, u.audio_seconds, u.sd_seconds, u.hd_seconds, u.hdp_seconds,
                u.full_hd_seconds, u.video_2k_seconds, u.video_2k_plus_seconds,
                u.extra_seconds, u.missing_media
            )
        )
    order by i.day, i.project_id, i.service
),

written as (
    insert into agora.usage_daily as u (
        account_id, project_id, service, day, source,
        audio_seconds, sd_seconds, hd_seconds, hdp_seconds,
        full_hd_seconds, video_2k_seconds, video_2k_plus_seconds,
        extra_seconds, missing_media, observed_at, request_id
    )
    select
        $1, project_id, service, day, source,
        audio_seconds, sd_seconds, hd_seconds, hdp_seconds,
        full_hd_seconds, video_2k_seconds, video_2k_plus_seconds,
        extra_seconds, missing_media, observed_at, request_id
    from delta
    on conflict (account_id, day, project_id, service) do update set
        source = excluded.source,
        audio_seconds = excluded.audio_seconds,
        sd_seconds = excluded.sd_seconds,
        hd_seconds = excluded.hd_seconds,
        hdp_seconds = excluded.hdp_seconds,
        full_hd_seconds = excluded.full_hd_seconds,
        video_2k_seconds = excluded.video_2k_seconds,
        video_2k_plus_seconds = excluded.video_2k_plus_seconds,
        extra_seconds = excluded.extra_seconds,
        missing_media = excluded.missing_media,
        observed_at = excluded.observed_at,
        request_id = excluded.request_id
    where
        excluded.request_id > u.request_id
        and excluded.source >= u.source
        and (
            excluded.source, excluded.audio_seconds, excluded.sd_seconds,
            excluded.hd_seconds, excluded.hdp_seconds, excluded.full_hd_seconds,
            excluded.video_2k_seconds, excluded.video_2k_plus_seconds,
            excluded.extra_seconds, excluded.missing_media
        ) is distinct from (
            u.source, u.audio_seconds, u.sd_seconds,
            u.hd_seconds, u.hdp_seconds, u.full_hd_seconds,
            u.video_2k_seconds, u.video_2k_plus_seconds,
            u.extra_seconds, u.missing_media
        )
    -- A row that this statement inserted has no deleting transaction yet.
    returning (u.xmax = 0) as is_new
)

select
    count(*) filter (where is_new) as new_rows,
    count(*) filter (where not is_new) as changed_rows
from written
