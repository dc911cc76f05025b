-- Question: Which media does each project's cost come from?
-- Parameter account (account) = : account name; empty: every account
-- Parameter month (month) = : that month alone, YYYY-MM; empty: as from_month and to_month say
-- Parameter from_month (month) = : first month, YYYY-MM; empty: the earliest
-- Parameter to_month (month) = : last month, YYYY-MM; empty: the latest
-- Columns:
--   account_id             account of the settings
--   month                  calendar month in UTC, YYYY-MM
--   project_id             short token of the project
--   project_name           name as last listed
--   service                rtc, recording, cloud_recording, transcoding or miniapp
--   media                  audio, sd, hd, hdp, full_hd, 2k or 2k_plus
--   minutes                minutes, not rounded up; six decimals
--   cost                   cost in the currency, six decimals
--   share                  per cent of the project's cost in the month, one decimal
--   cost_per_1000_minutes  cost of 1,000 minutes in the currency, free minutes and tiers included
--   currency               ISO 4217 code
--   revision               0: draft; from 1: closed revision
-- Without a month or a range: the newest month that was reported.
\if :{?account} \else \set account '' \endif
\if :{?month} \else \set month '' \endif
\if :{?from_month} \else \set from_month '' \endif
\if :{?to_month} \else \set to_month '' \endif
select
    c.account_id,
    to_char(c.month, 'YYYY-MM') as month,
    c.project_id,
    c.project_name,
    c.service,
    c.media,
    c.minutes,
    c.cost,
    round(
        100 * c.cost
        / nullif(abs(sum(c.cost) over (partition by c.account_id, c.month, c.project_id)), 0), 1
    ) as share,
    c.cost_per_1000_minutes,
    c.currency,
    c.revision
from agora.unit_costs as c
where
    (:'account' = '' or c.account_id = :'account')
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
order by c.account_id, c.month, c.project_id collate "C", c.cost desc, c.service, c.media;
