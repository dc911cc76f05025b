-- Costs of a bill by project, day and service: of each media, then their sum.
-- $1: account, $2: month, $3: revision
select
    concat('cost of ', project_id, ' on ', to_char(day, 'YYYY-MM-DD'), ' for ', service) as name,
    concat_ws(
        ' ', audio_cost, sd_cost, hd_cost, hdp_cost, full_hd_cost,
        video_2k_cost, video_2k_plus_cost, cost
    ) as value
from agora.bill_allocation
where account_id = $1 and month = $2 and revision = $3
