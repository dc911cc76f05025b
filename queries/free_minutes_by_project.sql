-- Question: Which projects do the free minutes go to?
-- Parameter account (account) = : account name; empty: every account
-- Parameter month (month) = : that month alone, YYYY-MM; empty: as from_month and to_month say
-- Parameter from_month (month) = : first month, YYYY-MM; empty: the earliest
-- Parameter to_month (month) = : last month, YYYY-MM; empty: the latest
-- Columns:
--   account_id    account of the settings
--   month         calendar month in UTC, YYYY-MM
--   project_id    short token of the project
--   project_name  name as last listed
--   minutes       minutes of all media, not rounded up; two decimals
--   free_minutes  the project's part of the free minutes, by its part of each line's minutes; two decimals
--   free_percent  free_minutes in per cent of minutes, one decimal
--   share         per cent of the account's free minutes that were used, one decimal
--   revision      0: draft; from 1: closed revision
-- Free minutes belong to the account; this split by minutes is a view of it, and not part of the bill.
-- Without a month or a range: the newest month that was reported.
\if :{?account} \else \set account '' \endif
\if :{?month} \else \set month '' \endif
\if :{?from_month} \else \set from_month '' \endif
\if :{?to_month} \else \set to_month '' \endif
with line as (
    select
        b.account_id,
        b.month,
        b.revision,
        l.service,
        l.media,
        sum(l.free_minutes) as free_minutes
    from agora.bill_in_force as b
    join agora.bill_line as l using (account_id, month, revision)
    where
        (:'account' = '' or b.account_id = :'account')
        and (:'month' = '' or b.month = to_date(nullif(:'month', ''), 'YYYY-MM'))
        and (:'from_month' = '' or b.month >= to_date(nullif(:'from_month', ''), 'YYYY-MM'))
        and (:'to_month' = '' or b.month <= to_date(nullif(:'to_month', ''), 'YYYY-MM'))
        and (
            :'month' || :'from_month' || :'to_month' <> ''
            or b.month = (
                select max(newest.month) from agora.bill as newest
                where :'account' = '' or newest.account_id = :'account'
            )
        )
    group by b.account_id, b.month, b.revision, l.service, l.media
),

-- By itself: within the join, the months would be summed once a line. SD is billed as HD.
by_media as materialized (
    select
        c.account_id,
        c.month,
        c.project_id,
        c.project_name,
        c.service,
        case c.media when 'sd' then 'hd' else c.media end as media,
        c.minutes
    from agora.unit_costs as c
    where
        c.minutes > 0
        and (:'account' = '' or c.account_id = :'account')
        and (:'month' = '' or c.month = to_date(nullif(:'month', ''), 'YYYY-MM'))
        and (:'from_month' = '' or c.month >= to_date(nullif(:'from_month', ''), 'YYYY-MM'))
        and (:'to_month' = '' or c.month <= to_date(nullif(:'to_month', ''), 'YYYY-MM'))
        and (
            :'month' || :'from_month' || :'to_month' <> ''
            or c.month = (
                select max(newest.month) from agora.bill as newest
                where :'account' = '' or newest.account_id = :'account'
            )
        )
),

-- The free minutes of a line over all minutes of its media.
free_part as (
    select
        l.account_id, l.month, l.revision, l.service, l.media, l.free_minutes,
        sum(m.minutes) as minutes
    from line as l
    join by_media as m using (account_id, month, service, media)
    group by l.account_id, l.month, l.revision, l.service, l.media, l.free_minutes
),

used as (
    select
        m.account_id,
        m.month,
        f.revision,
        m.project_id,
        m.project_name,
        m.minutes,
        f.free_minutes * m.minutes / f.minutes as free_minutes
    from by_media as m
    join free_part as f using (account_id, month, service, media)
),

by_project as (
    select
        u.account_id,
        u.month,
        u.revision,
        u.project_id,
        u.project_name,
        sum(u.minutes) as minutes,
        sum(u.free_minutes) as free_minutes
    from used as u
    group by u.account_id, u.month, u.revision, u.project_id, u.project_name
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
    ) as share,
    p.revision
from by_project as p
order by p.account_id, p.month, p.free_minutes desc, p.project_id collate "C";
