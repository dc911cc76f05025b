-- Views for analysts.

create view agora.usage_minutes as
select
    u.account_id,
    u.project_id,
    p.project_name,
    u.service,
    u.day,
    u.source,
    u.audio_seconds / 60.0 as audio_minutes,
    u.sd_seconds / 60.0 as sd_minutes,
    u.hd_seconds / 60.0 as hd_minutes,
    u.hdp_seconds / 60.0 as hdp_minutes,
    u.full_hd_seconds / 60.0 as full_hd_minutes,
    u.video_2k_seconds / 60.0 as video_2k_minutes,
    u.video_2k_plus_seconds / 60.0 as video_2k_plus_minutes
from agora.usage_daily as u
join agora.project as p using (account_id, project_id);

comment on view agora.usage_minutes is
    'usage_daily in minutes, with fractions; null where a value is unknown or not applicable. Billing rounds up once a month, so sums of these minutes are not billed minutes.';

create view agora.project_cost_daily as
select
    a.account_id,
    a.project_id,
    coalesce(p.project_name, '') as project_name,
    a.day,
    a.service,
    a.cost,
    b.currency,
    b.status as bill_status
from agora.bill_allocation as a
join agora.bill as b using (account_id, month, revision)
left join agora.project as p using (account_id, project_id)
where a.revision = 0;

comment on view agora.project_cost_daily is
    'Cost by project, UTC day and service, in millionths of the currency, from the drafts of the months that were reported.';

create view agora.project_cost_monthly as
select
    a.account_id,
    a.project_id,
    coalesce(p.project_name, '') as project_name,
    a.month,
    round(sum(a.cost), b.minor_unit_digits) as cost,
    b.currency,
    b.status as bill_status
from agora.bill_allocation as a
join agora.bill as b using (account_id, month, revision)
left join agora.project as p using (account_id, project_id)
where a.revision = 0
group by
    a.account_id, a.project_id, p.project_name, a.month,
    b.currency, b.minor_unit_digits, b.status;

comment on view agora.project_cost_monthly is
    'Cost by project and month in whole minor units; the rows of a month and bill.unallocated sum to the bill.';

create view agora.occupancy_peaks as
select distinct on (s.account_id, s.project_id, (s.observed_at at time zone 'UTC')::date)
    s.account_id,
    s.project_id,
    p.project_name,
    (s.observed_at at time zone 'UTC')::date as day,
    s.user_count as peak_users,
    s.seen_channels as channels_at_peak,
    s.observed_at as peak_at,
    s.complete
from agora.occupancy_snapshot as s
join agora.project as p using (account_id, project_id)
order by
    s.account_id,
    s.project_id,
    (s.observed_at at time zone 'UTC')::date,
    s.user_count desc,
    s.observed_at;

comment on view agora.occupancy_peaks is
    'The snapshot with the most users of each project and UTC day; a peak between two snapshots is not seen.';
