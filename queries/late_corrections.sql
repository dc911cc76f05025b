-- Question: Which values changed although their day counted as final?
-- Parameter account (account) = : account name; empty: every account
-- Parameter days (count) = 7: whole days from the end of the day to the correction, at least
-- Parameter from (day) = : first UTC day, YYYY-MM-DD; empty: the earliest
-- Parameter to (day) = : last UTC day, YYYY-MM-DD; empty: the latest
-- Columns:
--   account_id      account of the settings
--   project_id      short token of the project
--   project_name    name as last listed
--   service         rtc, recording, cloud_recording, transcoding or miniapp
--   day             UTC day of the usage
--   media           media whose value changed
--   seconds_before  seconds before; empty: unknown or not applicable
--   seconds_after   seconds after; empty: unknown or not applicable
--   change_seconds  seconds_after less seconds_before
--   days_late       whole days from the end of the UTC day to the correction
--   corrected_at    when the new value was received, UTC
-- from and to are days of the usage.
\if :{?account} \else \set account '' \endif
\if :{?days} \else \set days '7' \endif
\if :{?from} \else \set from '' \endif
\if :{?to} \else \set to '' \endif
select
    r.account_id,
    r.project_id,
    r.project_name,
    r.service,
    r.day,
    r.media,
    r.seconds_before,
    r.seconds_after,
    r.change_seconds,
    r.days_late,
    to_char(r.superseded_at at time zone 'UTC', 'YYYY-MM-DD') as corrected_at
from agora.usage_revisions as r
where
    r.days_late >= coalesce(nullif(:'days', ''), '7')::bigint
    and r.account_id = coalesce(nullif(:'account', ''), r.account_id)
    and r.day >= coalesce(nullif(:'from', '')::date, '-infinity')
    and r.day <= coalesce(nullif(:'to', '')::date, 'infinity')
order by r.account_id, r.day, r.project_id collate "C", r.service, r.request_before, r.media;
