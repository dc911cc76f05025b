-- Question: Which cells have HD+ beside Full HD, 2K or 2K+, and may count twice?
-- Parameter account (account) = : account name; empty: every account
-- Parameter from (day) = : first UTC day, YYYY-MM-DD; empty: the earliest
-- Parameter to (day) = : last UTC day, YYYY-MM-DD; empty: the latest
-- Columns:
--   account_id        account of the settings
--   project_id        short token of the project
--   project_name      name as last listed
--   service           rtc, recording, cloud_recording, transcoding or miniapp
--   day               UTC day
--   hdp_minutes       minutes of HD+; two decimals
--   above_hd_minutes  minutes of Full HD, 2K and 2K+ together; two decimals
--   doubtful_minutes  the smaller of both: at most so many minutes are counted twice
-- The platform's documents do not say whether HD+ is counted beside the other three or in them.
\if :{?account} \else \set account '' \endif
\if :{?from} \else \set from '' \endif
\if :{?to} \else \set to '' \endif
with cell as (
    select
        u.account_id,
        u.project_id,
        u.project_name,
        u.service,
        u.day,
        u.hdp_minutes,
        coalesce(u.full_hd_minutes, 0) + coalesce(u.video_2k_minutes, 0)
        + coalesce(u.video_2k_plus_minutes, 0) as above_hd_minutes
    from agora.usage_minutes as u
    where
        u.hdp_minutes > 0
        and u.account_id = coalesce(nullif(:'account', ''), u.account_id)
        and u.day >= coalesce(nullif(:'from', '')::date, '-infinity')
        and u.day <= coalesce(nullif(:'to', '')::date, 'infinity')
)

select
    c.account_id,
    c.project_id,
    c.project_name,
    c.service,
    c.day,
    round(c.hdp_minutes, 2) as hdp_minutes,
    round(c.above_hd_minutes, 2) as above_hd_minutes,
    round(least(c.hdp_minutes, c.above_hd_minutes), 2) as doubtful_minutes
from cell as c
where c.above_hd_minutes > 0
order by c.account_id, c.day, c.project_id collate "C", c.service;
