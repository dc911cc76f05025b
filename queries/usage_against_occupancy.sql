-- Question: Do the billed minutes agree with the users that were seen?
-- Parameter account (account) = : account name; empty: every account
-- Parameter project (project) = : project id; empty: every project
-- Parameter from (day) = : first UTC day, YYYY-MM-DD; empty: the earliest
-- Parameter to (day) = : last UTC day, YYYY-MM-DD; empty: the latest
-- Columns:
--   account_id          account of the settings
--   project_id          short token of the project
--   project_name        name as last listed
--   day                 UTC day
--   snapshots           snapshots of the day; 1,440 are a minute apart
--   seen_minutes        users times minutes, of the observed time alone
--   unobserved_minutes  minutes of the day that no snapshot stands for, 0 to 1,440
--   incomplete_minutes  observed minutes in which a snapshot did not read every channel
--   estimated_minutes   seen_minutes stretched over the whole day: an estimate
--   used_minutes        minutes of rtc and miniapp that the platform counts; empty: no row is stored
--   difference_minutes  used_minutes less seen_minutes
--   seen_percent        seen_minutes in per cent of used_minutes
-- Without a day: the 31 days up to the newest that was observed.
-- Snapshots are a minute apart: each stay in a channel is off by less than a minute, either way, and one
-- shorter than a minute may not be seen. Compare days with few unobserved and incomplete minutes.
\if :{?account} \else \set account '' \endif
\if :{?project} \else \set project '' \endif
\if :{?from} \else \set from '' \endif
\if :{?to} \else \set to '' \endif
select
    c.account_id,
    c.project_id,
    c.project_name,
    c.day,
    c.snapshots,
    c.seen_minutes,
    c.unobserved_minutes,
    c.incomplete_minutes,
    c.estimated_minutes,
    c.used_minutes,
    c.difference_minutes,
    c.seen_percent
from agora.usage_against_occupancy as c
where
    (:'account' = '' or c.account_id = :'account')
    and (:'project' = '' or c.project_id = :'project')
    and (:'from' = '' or c.day >= nullif(:'from', '')::date)
    and (:'to' = '' or c.day <= nullif(:'to', '')::date)
    and (
        :'from' || :'to' <> ''
        or c.day > ((
            select max(n.hour)
            from agora.project as o
            cross join lateral (
                select max(e.hour) as hour from agora.occupancy_hourly as e
                where e.account_id = o.account_id and e.project_id = o.project_id
            ) as n
            where
                (:'account' = '' or o.account_id = :'account')
                and (:'project' = '' or o.project_id = :'project')
        ) at time zone 'UTC')::date - 31
    )
order by c.account_id, c.project_id collate "C", c.day;
