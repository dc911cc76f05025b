-- Question: How does usage spread over the days of the week?
-- Parameter account (account) = : account name; empty: every account
-- Parameter project (project) = : project id; empty: every project
-- Parameter from (day) = : first UTC day, YYYY-MM-DD; empty: the earliest
-- Parameter to (day) = : last UTC day, YYYY-MM-DD; empty: the latest
-- Columns:
--   account_id       account of the settings
--   weekday          day of the week in UTC, 1 Monday to 7 Sunday
--   name             Mon to Sun
--   days             such days that have any usage row
--   minutes          minutes of all services and media on them, not rounded up; two decimals
--   minutes_per_day  minutes on an average such day; two decimals
--   share            per cent of all minutes, one decimal
-- Days whose usage is not known count as days without usage: see gaps.
\if :{?account} \else \set account '' \endif
\if :{?project} \else \set project '' \endif
\if :{?from} \else \set from '' \endif
\if :{?to} \else \set to '' \endif
with by_day as (
    select
        u.account_id,
        u.day,
        sum(
            coalesce(u.audio_minutes, 0) + coalesce(u.sd_minutes, 0) + coalesce(u.hd_minutes, 0)
            + coalesce(u.hdp_minutes, 0) + coalesce(u.full_hd_minutes, 0)
            + coalesce(u.video_2k_minutes, 0) + coalesce(u.video_2k_plus_minutes, 0)
        ) as minutes
    from agora.usage_minutes as u
    where
        u.account_id = coalesce(nullif(:'account', ''), u.account_id)
        and u.project_id = coalesce(nullif(:'project', ''), u.project_id)
        and u.day >= coalesce(nullif(:'from', '')::date, '-infinity')
        and u.day <= coalesce(nullif(:'to', '')::date, 'infinity')
    group by u.account_id, u.day
)

select
    d.account_id,
    extract(isodow from d.day)::integer as weekday,
    min(to_char(d.day, 'Dy')) as name,
    count(*) as days,
    round(sum(d.minutes), 2) as minutes,
    round(avg(d.minutes), 2) as minutes_per_day,
    round(
        100 * sum(d.minutes) / nullif(sum(sum(d.minutes)) over (partition by d.account_id), 0), 1
    ) as share
from by_day as d
group by d.account_id, extract(isodow from d.day)::integer
order by d.account_id, weekday;
