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
    c.account_id = coalesce(nullif(:'account', ''), c.account_id)
    and c.project_id = coalesce(nullif(:'project', ''), c.project_id)
    and c.day >= coalesce(nullif(:'from', '')::date, '-infinity')
    and c.day <= coalesce(nullif(:'to', '')::date, 'infinity')
order by c.account_id, c.project_id collate "C", c.day;
