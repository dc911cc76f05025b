-- Days whose stored value an answer would un-say: the row is gone from an
-- answer that covered it, or an answer for all projects is empty although the
-- account had usage within the 28 days before it.
-- $1: account
select r.request_id, u.day
from incoming_request as r
join agora.usage_daily as u
    on u.account_id = $1
    and u.day between r.from_day and r.to_day
    and u.service = r.service
    and (r.project_id is null or u.project_id = r.project_id)
where
    greatest(
        u.audio_seconds, u.sd_seconds, u.hd_seconds, u.hdp_seconds,
        u.full_hd_seconds, u.video_2k_seconds, u.video_2k_plus_seconds
    ) > 0
    and not exists (
        select
        from incoming_usage as i
        where
            i.request_id = r.request_id
            and i.project_id = u.project_id
            and i.service = u.service
            and i.day = u.day
    )

union

select r.request_id, covered.day::date
from incoming_request as r
cross join generate_series(r.from_day, r.to_day, interval '1 day') as covered (day)
where
    r.project_id is null
    and not exists (select from incoming_usage as i where i.request_id = r.request_id)
    and exists (
        select
        from agora.usage_daily as u
        where
            u.account_id = $1
            and u.service = r.service
            and u.day between r.from_day - 28 and r.to_day
            and greatest(
                u.audio_seconds, u.sd_seconds, u.hd_seconds, u.hdp_seconds,
                u.full_hd_seconds, u.video_2k_seconds, u.video_2k_plus_seconds
            ) > 0
    )
order by 1, 2
