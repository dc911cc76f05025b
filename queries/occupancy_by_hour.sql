-- Question: How many users and channels were there in each hour, and how much of it was seen?
-- Parameter account (account) = : account name; empty: every account
-- Parameter project (project) = : project id; empty: every project
-- Parameter from (day) = : first UTC day, YYYY-MM-DD; empty: the earliest
-- Parameter to (day) = : last UTC day, YYYY-MM-DD; empty: the latest
-- Columns:
--   account_id            account of the settings
--   project_id            short token of the project
--   project_name          name as last listed
--   hour                  start of the hour, UTC
--   average_users         users, averaged over the time that was observed
--   average_channels      live channels, averaged over the time that was observed
--   user_hours            users times hours, of the observed time alone
--   channel_hours         live channels times hours, of the observed time alone
--   peak_users            users at the fullest moment that was observed
--   peak_users_at         the earliest such moment, UTC
--   peak_channels         live channels at the moment with the most
--   peak_channels_at      the earliest such moment, UTC
--   snapshots             snapshots taken in the hour
--   incomplete_snapshots  those that did not read every channel
--   unobserved_minutes    minutes that no snapshot stands for, 0 to 60
-- Without a day: the 7 days up to the newest hour that was observed.
-- An hour without a row was not observed, or is not rolled up yet.
\if :{?account} \else \set account '' \endif
\if :{?project} \else \set project '' \endif
\if :{?from} \else \set from '' \endif
\if :{?to} \else \set to '' \endif
select
    h.account_id,
    h.project_id,
    h.project_name,
    to_char(h.hour at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as hour,
    h.average_users,
    h.average_channels,
    h.user_hours,
    h.channel_hours,
    h.peak_users,
    to_char(h.peak_users_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as peak_users_at,
    h.peak_channels,
    to_char(h.peak_channels_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as peak_channels_at,
    h.snapshots,
    h.incomplete_snapshots,
    h.unobserved_minutes
from agora.occupancy_hourly_averages as h
where
    (:'account' = '' or h.account_id = :'account')
    and (:'project' = '' or h.project_id = :'project')
    and (:'from' = '' or h.hour >= nullif(:'from', '')::date::timestamp at time zone 'UTC')
    and (:'to' = '' or h.hour < (nullif(:'to', '')::date + 1)::timestamp at time zone 'UTC')
    and (
        :'from' || :'to' <> ''
        or h.hour > (
            select max(n.hour)
            from agora.project as o
            cross join lateral (
                select max(e.hour) as hour from agora.occupancy_hourly as e
                where e.account_id = o.account_id and e.project_id = o.project_id
            ) as n
            where
                (:'account' = '' or o.account_id = :'account')
                and (:'project' = '' or o.project_id = :'project')
        ) - interval '7 days'
    )
order by h.account_id, h.project_id collate "C", h.hour;
