-- Question: How did the value of a day come about?
-- Parameter account (account) = : account name; empty: every account
-- Parameter project (project) = : project id; empty: every project
-- Parameter day (day) = : UTC day of the usage, YYYY-MM-DD; empty: every day
-- Columns:
--   account_id      account of the settings
--   project_id      short token of the project
--   project_name    name as last listed
--   service         rtc, recording, cloud_recording, transcoding or miniapp
--   day             UTC day of the usage
--   media           media whose value changed
--   change          number of the change of this value, from 1
--   seconds_before  seconds before; empty: unknown or not applicable
--   seconds_after   seconds after; empty: unknown or not applicable
--   source_before   v1 (minutes, rounded up) or v3 (seconds)
--   source_after    v1 or v3
--   days_late       whole days from the end of the UTC day to the change; negative: before its end
-- Values that were never changed do not appear.
\if :{?account} \else \set account '' \endif
\if :{?project} \else \set project '' \endif
\if :{?day} \else \set day '' \endif
select
    r.account_id,
    r.project_id,
    r.project_name,
    r.service,
    r.day,
    r.media,
    row_number() over (
        partition by r.account_id, r.project_id, r.service, r.day, r.media
        order by r.request_before
    ) as change,
    r.seconds_before,
    r.seconds_after,
    r.source_before,
    r.source_after,
    r.days_late
from agora.usage_revisions as r
where
    r.account_id = coalesce(nullif(:'account', ''), r.account_id)
    and r.project_id = coalesce(nullif(:'project', ''), r.project_id)
    and r.day = coalesce(nullif(:'day', '')::date, r.day)
order by
    r.account_id, r.day, r.project_id collate "C", r.service, r.media, r.request_before;
