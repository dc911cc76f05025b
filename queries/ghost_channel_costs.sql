-- Question: What do channels cost that seem forgotten?
-- Parameter account (account) = : account name; empty: every account
-- Parameter project (project) = : project id; empty: every project
-- Parameter hours (number from 3) = 3: hours without a change, at least 3
-- Columns:
--   account_id           account of the settings
--   project_id           short token of the project
--   project_name         name as last listed
--   channel_name         name of the channel
--   user_count           users in it all that time, 1 or 2
--   flat_hours           hours without a change and without a gap between snapshots
--   is_open              whether it was still so in the newest complete snapshot
--   audio_cost_per_hour  cost of an hour in the currency, if all users are in audio
--   hd_cost_per_hour     cost of an hour in the currency, if all users are in HD video
--   audio_cost           cost of flat_hours in the currency, if all users are in audio
--   hd_cost              cost of flat_hours in the currency, if all users are in HD video
--   currency             ISO 4217 code
--   price_month          month whose bill the prices are from, YYYY-MM
-- Prices are those of the last tier reached in the newest reported month (its closed bill, if there is one), as if no free
-- minutes were left.
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
    g.is_open,
    g.audio_cost_per_hour,
    g.hd_cost_per_hour,
    g.audio_cost,
    g.hd_cost,
    g.currency,
    to_char(g.price_month, 'YYYY-MM') as price_month
from agora.ghost_channel_costs as g
where
    (:'account' = '' or g.account_id = :'account')
    and (:'project' = '' or g.project_id = :'project')
    and g.flat_hours >= coalesce(nullif(:'hours', ''), '3')::numeric
order by
    g.currency nulls last, g.hd_cost desc nulls last, g.account_id, g.project_id collate "C",
    g.channel_name collate "C", g.from_at;
