-- $1: account, $2: first day, $3: last day
-- Months without a row of usage have none here; unknown values add nothing.
select
    date_trunc('month', day)::date as month,
    service,
    sum(audio_seconds)::text as audio_seconds,
    sum(sd_seconds)::text as sd_seconds,
    sum(hd_seconds)::text as hd_seconds,
    sum(hdp_seconds)::text as hdp_seconds,
    sum(full_hd_seconds)::text as full_hd_seconds,
    sum(video_2k_seconds)::text as video_2k_seconds,
    sum(video_2k_plus_seconds)::text as video_2k_plus_seconds
from agora.usage_daily
where account_id = $1 and day between $2 and $3
group by date_trunc('month', day), service
order by month, service
