-- Stored cells that requests for one project each cover. Each cell is looked up
-- by its whole key: a range of days would pass the rows of all other projects.
-- $1: account; then one array a column: position of the answer, project,
-- service, first day, last day
select
    u.project_id, u.service, u.day, u.source,
    u.audio_seconds, u.sd_seconds, u.hd_seconds, u.hdp_seconds,
    u.full_hd_seconds, u.video_2k_seconds, u.video_2k_plus_seconds,
    case when pg_column_size(u.extra_seconds) > 8 then u.extra_seconds::text end,
    case
        when pg_column_size(u.missing_media) > 16
            then array_to_string(u.missing_media, ',')
    end,
    u.request_id, r.position
from unnest($2::integer[], $3::text[], $4::text[], $5::date[], $6::date[])
    as r (position, project_id, service, from_day, to_day)
-- A request never crosses a month.
cross join generate_series(0, 30) as later (days)
inner join agora.usage_daily as u
    on u.account_id = $1
    and u.day = r.from_day + later.days
    and u.project_id = r.project_id
    and u.service = r.service
where r.from_day + later.days <= r.to_day
