-- Question: What do 1,000 minutes cost, and where is that going?
-- Parameter account (account) = : account name; empty: every account
-- Parameter month (month) = : that month alone, YYYY-MM; empty: as from_month and to_month say
-- Parameter from_month (month) = : first month, YYYY-MM; empty: the earliest
-- Parameter to_month (month) = : last month, YYYY-MM; empty: the latest
-- Columns:
--   account_id             account of the settings
--   service                rtc, recording, cloud_recording, transcoding or miniapp
--   media                  audio, sd, hd, hdp, full_hd, 2k or 2k_plus
--   month                  calendar month in UTC, YYYY-MM
--   minutes                minutes of all projects, not rounded up; six decimals
--   cost                   cost of all projects in the currency, six decimals
--   cost_per_1000_minutes  cost of 1,000 minutes in the currency, free minutes and tiers included
--   change_percent         change against the row's month before that has such minutes, one decimal
--   currency               ISO 4217 code
--   revision               0: draft; from 1: closed revision
-- Without a month or a range: the newest 12 months that were reported.
\if :{?account} \else \set account '' \endif
\if :{?month} \else \set month '' \endif
\if :{?from_month} \else \set from_month '' \endif
\if :{?to_month} \else \set to_month '' \endif
with by_media as (
    select
        c.account_id,
        c.service,
        c.media,
        c.month,
        c.currency,
        c.revision,
        sum(c.minutes) as minutes,
        sum(c.cost) as cost,
        1000 * sum(c.cost) / nullif(sum(c.minutes), 0) as unit_cost
    from agora.unit_costs as c
    where
        (:'account' = '' or c.account_id = :'account')
        and (:'month' = '' or c.month = to_date(nullif(:'month', ''), 'YYYY-MM'))
        and (:'from_month' = '' or c.month >= to_date(nullif(:'from_month', ''), 'YYYY-MM'))
        and (:'to_month' = '' or c.month <= to_date(nullif(:'to_month', ''), 'YYYY-MM'))
        and (
            :'month' || :'from_month' || :'to_month' <> ''
            or c.month > (
                select max(newest.month) from agora.bill as newest
                where :'account' = '' or newest.account_id = :'account'
            ) - interval '12 months'
        )
    group by c.account_id, c.service, c.media, c.month, c.currency, c.revision
)

select
    m.account_id,
    m.service,
    m.media,
    to_char(m.month, 'YYYY-MM') as month,
    m.minutes,
    m.cost,
    round(m.unit_cost, 6) as cost_per_1000_minutes,
    round(
        100 * (
            m.unit_cost / nullif(
                lag(m.unit_cost) over (
                    partition by m.account_id, m.service, m.media, m.currency order by m.month
                ), 0
            ) - 1
        ), 1
    ) as change_percent,
    m.currency,
    m.revision
from by_media as m
order by m.account_id, m.service, m.media, m.month;
