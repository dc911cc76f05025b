-- Question: How many users were in channels at the peak of each day, by project?
-- Parameter account (account) = : account name; empty: every account
-- Parameter from (day) = : first UTC day, YYYY-MM-DD; empty: the earliest
-- Parameter to (day) = : last UTC day, YYYY-MM-DD; empty: the latest
-- Columns:
--   account_id        account of the settings
--   day               UTC day
--   project_id        short token of the project
--   project_name      name as last listed
--   peak_users        users in channels in the fullest snapshot of the day
--   channels_at_peak  live channels in that snapshot
--   peak_at           time of that snapshot, UTC
--   snapshots         snapshots of the day: peaks between them are not seen
--   complete          whether that snapshot saw every channel
\if :{?account} \else \set account '' \endif
\if :{?from} \else \set from '' \endif
\if :{?to} \else \set to '' \endif
select
    k.account_id,
    k.day,
    k.project_id,
    k.project_name,
    k.peak_users,
    k.channels_at_peak,
    to_char(k.peak_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as peak_at,
    (
        select count(*)
        from agora.occupancy_snapshot as s
        where
            s.account_id = k.account_id
            and s.project_id = k.project_id
            and (s.observed_at at time zone 'UTC')::date = k.day
    ) as snapshots,
    k.complete
from agora.occupancy_peaks as k
where
    k.account_id = coalesce(nullif(:'account', ''), k.account_id)
    and k.day >= coalesce(nullif(:'from', '')::date, k.day)
    and k.day <= coalesce(nullif(:'to', '')::date, k.day)
order by k.account_id, k.day, k.peak_users desc, k.project_id collate "C";
