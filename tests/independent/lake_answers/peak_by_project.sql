-- account_id,project_id,peak_at_micros,peak_users,channels_at_peak
select
    account_id,
    project_id,
    (extract(epoch from peak_at) * 1000000)::bigint,
    peak_users,
    channels_at_peak
from agora.occupancy_peaks
order by account_id collate "C", project_id collate "C", peak_at
