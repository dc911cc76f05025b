-- Question: Which days of usage are not known, and why?
-- Parameter account (account) = : account name; empty: every account
-- Parameter from (day) = : first UTC day, YYYY-MM-DD; empty: the first day ever asked for
-- Parameter to (day) = : last UTC day, YYYY-MM-DD; empty: the last day ever asked for
-- Columns:
--   account_id  account of the settings
--   project_id  short token of the project
--   service     rtc, recording, cloud_recording, transcoding or miniapp
--   day         UTC day
--   state       missing (never asked for), failed (asked for without an answer),
--               contradicted (the newest answer lacked the stored value), incomplete (a value is unknown)
--   message     what the last failed request met
-- Services that were never asked for, and days before the first or after the last
-- day that a service was asked for, do not appear; `agora-usage coverage` shows them.
\if :{?account} \else \set account '' \endif
\if :{?from} \else \set from '' \endif
\if :{?to} \else \set to '' \endif
select
    g.account_id,
    g.project_id,
    g.service,
    g.day,
    g.state,
    g.message
from agora.coverage_gaps as g
where
    g.account_id = coalesce(nullif(:'account', ''), g.account_id)
    and g.day >= coalesce(nullif(:'from', '')::date, '-infinity')
    and g.day <= coalesce(nullif(:'to', '')::date, 'infinity')
order by g.account_id, g.project_id collate "C", g.service, g.day;
