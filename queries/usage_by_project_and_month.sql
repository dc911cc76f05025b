-- Question: How many minutes did each project use in each month?
-- Parameter account (account) = : account name; empty: every account
-- Parameter project (project) = : project id; empty: every project
-- Parameter month (month) = : that month alone, YYYY-MM; empty: as from_month and to_month say
-- Parameter from_month (month) = : first month, YYYY-MM; empty: the earliest
-- Parameter to_month (month) = : last month, YYYY-MM; empty: the latest
-- Columns:
--   account_id             account of the settings
--   month                  calendar month in UTC, YYYY-MM
--   project_id             short token of the project
--   project_name           name as last listed
--   service                rtc, recording, cloud_recording, transcoding or miniapp
--   days                   days of the month that have a row
--   unknown_days           those among them with a value that the platform did not send
--   audio_minutes          minutes of audio, not rounded up; empty: unknown or not applicable
--   sd_minutes             minutes of SD video, as audio_minutes; billed as HD
--   hd_minutes             minutes of HD video, as audio_minutes
--   hdp_minutes            minutes of HD+ video, as audio_minutes
--   full_hd_minutes        minutes of Full HD video, as audio_minutes
--   video_2k_minutes       minutes of 2K video, as audio_minutes
--   video_2k_plus_minutes  minutes of 2K+ video, as audio_minutes
\if :{?account} \else \set account '' \endif
\if :{?project} \else \set project '' \endif
\if :{?month} \else \set month '' \endif
\if :{?from_month} \else \set from_month '' \endif
\if :{?to_month} \else \set to_month '' \endif
select
    u.account_id,
    to_char(u.month, 'YYYY-MM') as month,
    u.project_id,
    u.project_name,
    u.service,
    u.days,
    u.unknown_days,
    u.audio_minutes,
    u.sd_minutes,
    u.hd_minutes,
    u.hdp_minutes,
    u.full_hd_minutes,
    u.video_2k_minutes,
    u.video_2k_plus_minutes
from agora.usage_monthly as u
where
    (:'account' = '' or u.account_id = :'account')
    and (:'project' = '' or u.project_id = :'project')
    and (:'month' = '' or u.month = to_date(nullif(:'month', ''), 'YYYY-MM'))
    and (:'from_month' = '' or u.month >= to_date(nullif(:'from_month', ''), 'YYYY-MM'))
    and (:'to_month' = '' or u.month <= to_date(nullif(:'to_month', ''), 'YYYY-MM'))
order by u.account_id, u.month, u.project_id collate "C", u.service;
