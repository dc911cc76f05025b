-- Days of answers for all projects without any row, where the account had usage
-- within the 28 days before or in the answer's own days.
-- $1: account; then one array a column: position of the answer, service,
-- first day, last day
select r.position, covered.day::date
from unnest($2::integer[], $3::text[], $4::date[], $5::date[])
    as r (position, service, from_day, to_day)
cross join generate_series(r.from_day, r.to_day, interval '1 day') as covered (day)
where
    exists (
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
