-- Question: What was the peak of each project and UTC day?
-- Reads occupancy_minute; as the view agora.occupancy_peaks, but for all of history.
with ranked as (
    select
        account_id,
        project_id,
        unix_micros(observed_at) as peak_at_micros,
        user_count,
        seen_channels,
        row_number() over (
            partition by account_id, project_id, floor(unix_micros(observed_at) / 86400000000)
            order by user_count desc, unix_micros(observed_at)
        ) as place
    from occupancy_minute
)

select
    account_id,
    project_id,
    peak_at_micros,
    user_count as peak_users,
    seen_channels as channels_at_peak
from ranked
where place = 1
order by account_id, project_id, peak_at_micros
