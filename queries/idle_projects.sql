-- Question: Which projects are listed but no longer used?
-- Parameter account (account) = : account name; empty: every account
-- Parameter days (count) = 30: days without usage, at least
-- Columns:
--   account_id       account of the settings
--   project_id       short token of the project
--   project_name     name as last listed
--   status           active, disabled or unknown
--   last_usage_day   last UTC day with usage above 0; empty: none is stored
--   idle_days        days since then up to the account's newest stored day; empty without such a day
--   has_certificate  whether an App Certificate is enabled
-- Counted back from the newest day that is stored for the account, not from today.
\if :{?account} \else \set account '' \endif
\if :{?days} \else \set days '30' \endif
with used as (
    select
        u.account_id,
        u.project_id,
        max(u.day) filter (
            where greatest(
                u.audio_seconds, u.sd_seconds, u.hd_seconds, u.hdp_seconds,
                u.full_hd_seconds, u.video_2k_seconds, u.video_2k_plus_seconds
            ) > 0
        ) as last_usage_day,
        max(max(u.day)) over (partition by u.account_id) as newest_day
    from agora.usage_daily as u
    where u.account_id = coalesce(nullif(:'account', ''), u.account_id)
    group by u.account_id, u.project_id
),

newest as (
    select u.account_id, max(u.newest_day) as newest_day
    from used as u
    group by u.account_id
)

select
    p.account_id,
    p.project_id,
    p.project_name,
    p.status,
    u.last_usage_day,
    n.newest_day - u.last_usage_day as idle_days,
    p.has_certificate
from agora.project as p
join newest as n using (account_id)
left join used as u using (account_id, project_id)
where
    p.deleted_at is null
    and (
        u.last_usage_day is null
        or n.newest_day - u.last_usage_day >= coalesce(nullif(:'days', ''), '30')::bigint
    )
order by p.account_id, u.last_usage_day nulls first, p.project_id collate "C";
