-- Question: Which channels seem forgotten, with one or two users for hours on end?
-- Parameter account (account) = : account name; empty: every account
-- Parameter project (project) = : project id; empty: every project
-- Parameter hours (number from 3) = 3: hours without a change, at least 3
-- Columns:
--   account_id    account of the settings
--   project_id    short token of the project
--   project_name  name as last listed
--   channel_name  name of the channel
--   user_count    users in it all that time, 1 or 2
--   flat_hours    hours without a change and without a gap between snapshots
--   from_at       first snapshot of that time, UTC
--   to_at         last snapshot of that time, UTC
--   is_open       whether it was still so in the newest complete snapshot
-- Goes back as far as channels are kept (14 days unless set).
\if :{?account} \else \set account '' \endif
\if :{?project} \else \set project '' \endif
\if :{?hours} \else \set hours '3' \endif
select
    g.account_id,
    g.project_id,
    g.project_name,
    g.channel_name,
    g.user_count,
    g.flat_hours,
    to_char(g.from_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as from_at,
    to_char(g.to_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as to_at,
    g.is_open
from agora.ghost_channels as g
where
    (:'account' = '' or g.account_id = :'account')
    and (:'project' = '' or g.project_id = :'project')
    and g.flat_hours >= coalesce(nullif(:'hours', ''), '3')::numeric
order by
    g.flat_hours desc, g.account_id, g.project_id collate "C",
    g.channel_name collate "C", g.from_at;
