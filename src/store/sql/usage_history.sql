-- Every value that the days of a project ever had, and the request behind each.
-- $1: account, $2: project, $3: first day, $4: last day
with value as (
    select
        account_id, project_id, service, day, source,
        audio_seconds, sd_seconds, hd_seconds, hdp_seconds,
        full_hd_seconds, video_2k_seconds, video_2k_plus_seconds,
        extra_seconds, observed_at, null::timestamptz as superseded_at, request_id
    from agora.usage_daily
    where account_id = $1 and project_id = $2 and day between $3 and $4
    union all
    select
        account_id, project_id, service, day, source,
        audio_seconds, sd_seconds, hd_seconds, hdp_seconds,
        full_hd_seconds, video_2k_seconds, video_2k_plus_seconds,
        extra_seconds, observed_at, superseded_at, request_id
    from agora.usage_revision
    where account_id = $1 and project_id = $2 and day between $3 and $4
)

select
    v.day, v.service, v.source,
    v.audio_seconds, v.sd_seconds, v.hd_seconds, v.hdp_seconds,
    v.full_hd_seconds, v.video_2k_seconds, v.video_2k_plus_seconds,
    v.extra_seconds, v.observed_at, v.superseded_at, v.request_id,
    r.project_id as asked_project,
    r.from_day,
    r.to_day,
    r.platform_request_id
from value as v
left join agora.sync_request as r
    on r.account_id = v.account_id
    and r.request_id = v.request_id
order by v.day, v.service, v.request_id
