-- Question: At which weekdays and hours are the channels full?
-- Parameter account (account) = : account name; empty: every account
-- Parameter project (project) = : project id; empty: every project
-- Columns:
--   account_id          account of the settings
--   project_id          short token of the project
--   project_name        name as last listed
--   weekday             day of the week in UTC, 1 Monday to 7 Sunday
--   hour_of_day         hour of the day in UTC, 0 to 23
--   hours               hours that the figures are made of
--   average_users       users, averaged over the time that was observed
--   average_channels    live channels, averaged over the time that was observed
--   peak_users          users at the fullest moment that was observed
--   peak_channels       live channels at the moment with the most
--   unobserved_minutes  minutes of those hours that no snapshot stands for
-- Hours appear once they were rolled up (the daemon's job roll_up).
\if :{?account} \else \set account '' \endif
\if :{?project} \else \set project '' \endif
select
    h.account_id,
    h.project_id,
    h.project_name,
    h.weekday,
    h.hour_of_day,
    h.hours,
    h.average_users,
    h.average_channels,
    h.peak_users,
    h.peak_channels,
    h.unobserved_minutes
from agora.occupancy_heat_map as h
where
    h.account_id = coalesce(nullif(:'account', ''), h.account_id)
    and h.project_id = coalesce(nullif(:'project', ''), h.project_id)
order by h.account_id, h.project_id collate "C", h.weekday, h.hour_of_day;
