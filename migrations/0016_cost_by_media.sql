-- The rows of a FOCUS file as a view: what was used, and what it costs, by media.

create view agora.cost_by_media_daily as
select
    u.account_id,
    u.project_id,
    coalesce(p.project_name, '') as project_name,
    u.day,
    u.service,
    m.media,
    m.seconds,
    m.seconds / 60.0 as minutes,
    m.cost,
    b.currency,
    b.status as bill_status
from agora.usage_daily as u
left join agora.project as p using (account_id, project_id)
left join agora.bill as b
    on b.account_id = u.account_id
    and b.month = date_trunc('month', u.day)::date
    and b.revision = 0
left join agora.bill_allocation as a
    on a.account_id = b.account_id
    and a.month = b.month
    and a.revision = b.revision
    and a.project_id = u.project_id
    and a.day = u.day
    and a.service = u.service
cross join lateral (
    values
    ('audio', u.audio_seconds, a.audio_cost),
    ('sd', u.sd_seconds, a.sd_cost),
    ('hd', u.hd_seconds, a.hd_cost),
    ('hdp', u.hdp_seconds, a.hdp_cost),
    ('full_hd', u.full_hd_seconds, a.full_hd_cost),
    ('2k', u.video_2k_seconds, a.video_2k_cost),
    ('2k_plus', u.video_2k_plus_seconds, a.video_2k_plus_cost)
) as m (media, seconds, cost)
where m.seconds <> 0;

comment on view agora.cost_by_media_daily is
    'Usage and cost by project, UTC day, service and media: one row where seconds are known and not 0. Costs come from the draft of the month; the rows of a month and bill.unallocated sum to the bill.';
comment on column agora.cost_by_media_daily.account_id is 'Account of the project.';
comment on column agora.cost_by_media_daily.project_id is 'Project that used it.';
comment on column agora.cost_by_media_daily.project_name is 'Name of the project as last listed.';
comment on column agora.cost_by_media_daily.day is 'UTC day.';
comment on column agora.cost_by_media_daily.service is 'rtc, recording, cloud_recording, transcoding or miniapp.';
comment on column agora.cost_by_media_daily.media is 'audio, sd, hd, hdp, full_hd, 2k or 2k_plus, as the API counts it.';
comment on column agora.cost_by_media_daily.seconds is 'Seconds used.';
comment on column agora.cost_by_media_daily.minutes is 'The same in minutes, with fractions; billing rounds up once a month.';
comment on column agora.cost_by_media_daily.cost is
    'In the currency, in millionths; null while the month was not reported, 0 where the usage has no price.';
comment on column agora.cost_by_media_daily.currency is 'ISO 4217 code; null while the month was not reported.';
comment on column agora.cost_by_media_daily.bill_status is
    'complete, incomplete or in_progress, as of the draft; null while the month was not reported.';
