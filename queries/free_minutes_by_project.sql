-- Question: Which projects do the free minutes go to?
-- Parameter account (account) = : account name; empty: every account
-- Parameter month (month) = : month, YYYY-MM; empty: every month that was reported
-- Columns:
--   account_id    account of the settings
--   month         calendar month in UTC, YYYY-MM
--   project_id    short token of the project
--   project_name  name as last listed
--   minutes       minutes of all media, not rounded up; two decimals
--   free_minutes  the project's part of the free minutes, by its part of each line's minutes; two decimals
--   free_percent  free_minutes in per cent of minutes, one decimal
--   share         per cent of the account's free minutes that were used, one decimal
-- Free minutes belong to the account; this split by minutes is a view of it, and not part of the bill.
\if :{?account} \else \set account '' \endif
\if :{?month} \else \set month '' \endif
with line as (
    select
        l.account_id,
        l.month,
        l.service,
        l.media,
        sum(l.free_minutes) as free_minutes
    from agora.bill_line as l
    where
        l.revision = 0
        and l.account_id = coalesce(nullif(:'account', ''), l.account_id)
        and to_char(l.month, 'YYYY-MM') = coalesce(nullif(:'month', ''), to_char(l.month, 'YYYY-MM'))
    group by l.account_id, l.month, l.service, l.media
),

-- By itself: within the join, the months would be summed once a line.
by_media as materialized (
    select u.account_id, u.month, u.project_id, u.project_name, u.service, m.media, m.minutes
    from agora.usage_monthly as u
    cross join lateral (
        values
        ('audio', u.audio_minutes),
        ('hd', coalesce(u.hd_minutes, 0) + coalesce(u.sd_minutes, 0)),
        ('hdp', u.hdp_minutes),
        ('full_hd', u.full_hd_minutes),
        ('2k', u.video_2k_minutes),
        ('2k_plus', u.video_2k_plus_minutes)
    ) as m (media, minutes)
    where m.minutes > 0 and u.account_id = coalesce(nullif(:'account', ''), u.account_id)
),

used as (
    select
        m.account_id,
        m.month,
        m.project_id,
        m.project_name,
        m.minutes,
        l.free_minutes * m.minutes
        / sum(m.minutes) over (partition by m.account_id, m.month, m.service, m.media) as free_minutes
    from by_media as m
    join line as l using (account_id, month, service, media)
),

by_project as (
    select
        u.account_id,
        u.month,
        u.project_id,
        u.project_name,
        sum(u.minutes) as minutes,
        sum(u.free_minutes) as free_minutes
    from used as u
    group by u.account_id, u.month, u.project_id, u.project_name
)

select
    p.account_id,
    to_char(p.month, 'YYYY-MM') as month,
    p.project_id,
    p.project_name,
    round(p.minutes, 2) as minutes,
    round(p.free_minutes, 2) as free_minutes,
    round(100 * p.free_minutes / p.minutes, 1) as free_percent,
    round(
        100 * p.free_minutes
        / nullif(sum(p.free_minutes) over (partition by p.account_id, p.month), 0), 1
    ) as share
from by_project as p
order by p.account_id, p.month, p.free_minutes desc, p.project_id collate "C";
