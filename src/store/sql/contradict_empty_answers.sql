-- $1: account, $2: requests of one run, all answered without any row
with marked as (
    update agora.sync_request as r
    set
        outcome = 'contradiction',
        contradicted_days = array(
            select covered.day::date
            from generate_series(r.from_day, r.to_day, interval '1 day') as covered (day)
        )
    where
        r.account_id = $1
        and r.request_id = any($2)
        and r.rows_received = 0
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
    returning cardinality(r.contradicted_days) as day_count
)

select sum(day_count)::bigint from marked
