-- Question: How many days of usage are not known, by project and month?
-- Parameter account (account) = : account name; empty: every account
-- Parameter month (month) = : that month alone, YYYY-MM; empty: as from_month and to_month say
-- Parameter from_month (month) = : first month, YYYY-MM; empty: the earliest
-- Parameter to_month (month) = : last month, YYYY-MM; empty: the latest
-- Columns:
--   account_id    account of the settings
--   month         calendar month in UTC, YYYY-MM
--   project_id    short token of the project
--   project_name  name as last listed
--   service       rtc, recording, cloud_recording, transcoding or miniapp
--   state         missing, failed, contradicted or incomplete
--   days          such days in the month
--   first_day     the first of them, UTC
--   last_day      the last of them, UTC
-- Services that were never asked for, and days before the first or after the last day that a service was
-- asked for, do not appear; `agora-usage coverage` shows them.
\if :{?account} \else \set account '' \endif
\if :{?month} \else \set month '' \endif
\if :{?from_month} \else \set from_month '' \endif
\if :{?to_month} \else \set to_month '' \endif
select
    g.account_id,
    to_char(g.day, 'YYYY-MM') as month,
    g.project_id,
    g.project_name,
    g.service,
    g.state,
    count(*) as days,
    min(g.day) as first_day,
    max(g.day) as last_day
from agora.coverage_gaps as g
where
    (:'account' = '' or g.account_id = :'account')
    and (
        :'month' = ''
        or g.day >= to_date(nullif(:'month', ''), 'YYYY-MM')
        and g.day < (to_date(nullif(:'month', ''), 'YYYY-MM') + interval '1 month')::date
    )
    and (:'from_month' = '' or g.day >= to_date(nullif(:'from_month', ''), 'YYYY-MM'))
    and (
            :'to_month' = ''
            or g.day < (to_date(nullif(:'to_month', ''), 'YYYY-MM') + interval '1 month')::date
        )
group by
    g.account_id, to_char(g.day, 'YYYY-MM'), g.project_id, g.project_name, g.service, g.state
order by g.account_id, month, g.project_id collate "C", g.service, g.state;
