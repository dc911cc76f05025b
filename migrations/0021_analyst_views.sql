-- More views for analysts: months, corrections, unit costs, and occupancy beside usage.

create view agora.usage_monthly as
with month_sum as (
    select
        u.account_id,
        u.project_id,
        u.service,
        date_trunc('month', u.day::timestamp)::date as month,
        count(*) as days,
        count(*) filter (where u.missing_media <> '{}') as unknown_days,
        sum(u.audio_seconds) as audio_seconds,
        sum(u.sd_seconds) as sd_seconds,
        sum(u.hd_seconds) as hd_seconds,
        sum(u.hdp_seconds) as hdp_seconds,
        sum(u.full_hd_seconds) as full_hd_seconds,
        sum(u.video_2k_seconds) as video_2k_seconds,
        sum(u.video_2k_plus_seconds) as video_2k_plus_seconds
    from agora.usage_daily as u
    group by u.account_id, u.project_id, u.service, date_trunc('month', u.day::timestamp)::date
)

select
    s.account_id,
    s.project_id,
    p.project_name,
    s.service,
    s.month,
    s.days,
    s.unknown_days,
    round(s.audio_seconds / 60.0, 6) as audio_minutes,
    round(s.sd_seconds / 60.0, 6) as sd_minutes,
    round(s.hd_seconds / 60.0, 6) as hd_minutes,
    round(s.hdp_seconds / 60.0, 6) as hdp_minutes,
    round(s.full_hd_seconds / 60.0, 6) as full_hd_minutes,
    round(s.video_2k_seconds / 60.0, 6) as video_2k_minutes,
    round(s.video_2k_plus_seconds / 60.0, 6) as video_2k_plus_minutes
from month_sum as s
join agora.project as p using (account_id, project_id);

comment on view agora.usage_monthly is
    'Usage by project, service and calendar month (UTC) in minutes, not rounded up: the bill rounds up once over all projects. A media is null where no day of the month has a known value of it.';
comment on column agora.usage_monthly.account_id is 'Account that used it.';
comment on column agora.usage_monthly.project_id is 'Project that used it.';
comment on column agora.usage_monthly.project_name is 'Name of the project as last listed.';
comment on column agora.usage_monthly.service is 'rtc, recording, cloud_recording, transcoding or miniapp.';
comment on column agora.usage_monthly.month is 'First UTC day of the calendar month.';
comment on column agora.usage_monthly.days is 'Days of the month that have a row in usage_daily.';
comment on column agora.usage_monthly.unknown_days is 'Those among them with a value that the platform did not send: the sums may be too low.';
comment on column agora.usage_monthly.audio_minutes is 'Minutes of audio; six decimals.';
comment on column agora.usage_monthly.sd_minutes is 'Minutes of SD video (v1 only), billed as HD; six decimals.';
comment on column agora.usage_monthly.hd_minutes is 'Minutes of HD video; six decimals.';
comment on column agora.usage_monthly.hdp_minutes is 'Minutes of HD+ video; six decimals.';
comment on column agora.usage_monthly.full_hd_minutes is 'Minutes of Full HD video; six decimals.';
comment on column agora.usage_monthly.video_2k_minutes is 'Minutes of 2K video; six decimals.';
comment on column agora.usage_monthly.video_2k_plus_minutes is 'Minutes of 2K+ video; six decimals.';

create view agora.usage_revisions as
select
    r.account_id,
    r.project_id,
    p.project_name,
    r.service,
    r.day,
    m.media,
    m.seconds_before,
    m.seconds_after,
    m.seconds_after - m.seconds_before as change_seconds,
    r.source as source_before,
    n.source as source_after,
    r.observed_at as observed_at_before,
    r.superseded_at,
    floor(extract(epoch from r.superseded_at - (r.day + 1)::timestamp at time zone 'UTC') / 86400)::integer
        as days_late,
    r.request_id as request_before,
    r.superseded_by as request_after
from agora.usage_revision as r
join agora.project as p using (account_id, project_id)
-- The value after is superseded too, or the current one.
cross join lateral (
    select
        s.source, s.audio_seconds, s.sd_seconds, s.hd_seconds, s.hdp_seconds,
        s.full_hd_seconds, s.video_2k_seconds, s.video_2k_plus_seconds, s.extra_seconds
    from agora.usage_revision as s
    where
        s.account_id = r.account_id
        and s.day = r.day
        and s.project_id = r.project_id
        and s.service = r.service
        and s.request_id = r.superseded_by
    union all
    select
        u.source, u.audio_seconds, u.sd_seconds, u.hd_seconds, u.hdp_seconds,
        u.full_hd_seconds, u.video_2k_seconds, u.video_2k_plus_seconds, u.extra_seconds
    from agora.usage_daily as u
    where
        u.account_id = r.account_id
        and u.day = r.day
        and u.project_id = r.project_id
        and u.service = r.service
        and u.request_id = r.superseded_by
) as n
cross join lateral (
    select v.media, v.seconds_before::numeric, v.seconds_after::numeric
    from (
        values
        ('audio', r.audio_seconds, n.audio_seconds),
        ('sd', r.sd_seconds, n.sd_seconds),
        ('hd', r.hd_seconds, n.hd_seconds),
        ('hdp', r.hdp_seconds, n.hdp_seconds),
        ('full_hd', r.full_hd_seconds, n.full_hd_seconds),
        ('2k', r.video_2k_seconds, n.video_2k_seconds),
        ('2k_plus', r.video_2k_plus_seconds, n.video_2k_plus_seconds)
    ) as v (media, seconds_before, seconds_after)
    union all
    select key, b.value::numeric, a.value::numeric
    from jsonb_each_text(r.extra_seconds) as b
    full join jsonb_each_text(n.extra_seconds) as a using (key)
) as m
where m.seconds_before is distinct from m.seconds_after;

comment on view agora.usage_revisions is
    'Corrections: one row a value of usage_daily that was replaced by another, by media, with the value before and after. Values that stayed the same have no row.';
comment on column agora.usage_revisions.account_id is 'Account that used it.';
comment on column agora.usage_revisions.project_id is 'Project that used it.';
comment on column agora.usage_revisions.project_name is 'Name of the project as last listed.';
comment on column agora.usage_revisions.service is 'rtc, recording, cloud_recording, transcoding or miniapp.';
comment on column agora.usage_revisions.day is 'UTC day of the usage.';
comment on column agora.usage_revisions.media is
    'audio, sd, hd, hdp, full_hd, 2k, 2k_plus, or the platform''s name of a field that this program has no name for.';
comment on column agora.usage_revisions.seconds_before is 'Seconds before; null: unknown or not applicable.';
comment on column agora.usage_revisions.seconds_after is 'Seconds after; null: unknown or not applicable.';
comment on column agora.usage_revisions.change_seconds is 'seconds_after less seconds_before, in seconds; null where one of them is.';
comment on column agora.usage_revisions.source_before is 'v1 or v3, of the value before.';
comment on column agora.usage_revisions.source_after is 'v1 or v3, of the value after.';
comment on column agora.usage_revisions.observed_at_before is 'When the value before was received.';
comment on column agora.usage_revisions.superseded_at is 'When the value after was received.';
comment on column agora.usage_revisions.days_late is
    'Whole days from the end of the UTC day to superseded_at; from 7 on (unless set) the day counted as final.';
comment on column agora.usage_revisions.request_before is 'Request that the value before came from, see sync_request.';
comment on column agora.usage_revisions.request_after is 'Request that the value after came from, see sync_request.';

create view agora.unit_costs as
with entry as (
    -- Costs and seconds below each other and summed once: a join of two sums
    -- would be planned without knowing how many rows they have.
    select
        a.account_id, a.month, a.project_id, a.service, true as is_cost,
        a.audio_cost, a.sd_cost, a.hd_cost, a.hdp_cost,
        a.full_hd_cost, a.video_2k_cost, a.video_2k_plus_cost,
        null::bigint as audio_seconds, null::bigint as sd_seconds, null::bigint as hd_seconds,
        null::bigint as hdp_seconds, null::bigint as full_hd_seconds,
        null::bigint as video_2k_seconds, null::bigint as video_2k_plus_seconds
    from agora.bill_allocation as a
    where a.revision = 0
    union all
    select
        u.account_id, date_trunc('month', u.day::timestamp)::date, u.project_id, u.service, false,
        null, null, null, null,
        null, null, null,
        u.audio_seconds, u.sd_seconds, u.hd_seconds,
        u.hdp_seconds, u.full_hd_seconds,
        u.video_2k_seconds, u.video_2k_plus_seconds
    from agora.usage_daily as u
),

month_sum as (
    select
        e.account_id,
        e.month,
        e.project_id,
        e.service,
        sum(e.audio_cost) as audio_cost,
        sum(e.sd_cost) as sd_cost,
        sum(e.hd_cost) as hd_cost,
        sum(e.hdp_cost) as hdp_cost,
        sum(e.full_hd_cost) as full_hd_cost,
        sum(e.video_2k_cost) as video_2k_cost,
        sum(e.video_2k_plus_cost) as video_2k_plus_cost,
        round(sum(e.audio_seconds) / 60.0, 6) as audio_minutes,
        round(sum(e.sd_seconds) / 60.0, 6) as sd_minutes,
        round(sum(e.hd_seconds) / 60.0, 6) as hd_minutes,
        round(sum(e.hdp_seconds) / 60.0, 6) as hdp_minutes,
        round(sum(e.full_hd_seconds) / 60.0, 6) as full_hd_minutes,
        round(sum(e.video_2k_seconds) / 60.0, 6) as video_2k_minutes,
        round(sum(e.video_2k_plus_seconds) / 60.0, 6) as video_2k_plus_minutes
    from entry as e
    group by e.account_id, e.month, e.project_id, e.service
    having bool_or(e.is_cost)
)

select
    s.account_id,
    s.project_id,
    coalesce(p.project_name, '') as project_name,
    s.month,
    s.service,
    m.media,
    m.minutes,
    m.cost,
    round(1000 * m.cost / nullif(m.minutes, 0), 6) as cost_per_1000_minutes,
    b.currency,
    b.status as bill_status
from month_sum as s
join agora.bill as b
    on b.account_id = s.account_id
    and b.month = s.month
    and b.revision = 0
left join agora.project as p
    on p.account_id = s.account_id
    and p.project_id = s.project_id
cross join lateral (
    values
    ('audio', s.audio_minutes, s.audio_cost),
    ('sd', s.sd_minutes, s.sd_cost),
    ('hd', s.hd_minutes, s.hd_cost),
    ('hdp', s.hdp_minutes, s.hdp_cost),
    ('full_hd', s.full_hd_minutes, s.full_hd_cost),
    ('2k', s.video_2k_minutes, s.video_2k_cost),
    ('2k_plus', s.video_2k_plus_minutes, s.video_2k_plus_cost)
) as m (media, minutes, cost)
where m.minutes > 0 or m.cost <> 0;

comment on view agora.unit_costs is
    'What 1,000 minutes cost a project, by service, media and month: its share of the newest draft over its minutes. Free minutes, tiers and the rounding are in it, so it is not a price of the book. Minutes are the current ones, and may have moved since the draft was made.';
comment on column agora.unit_costs.account_id is 'Account that the bill is for.';
comment on column agora.unit_costs.project_id is 'Project that caused the cost.';
comment on column agora.unit_costs.project_name is 'Name of the project as last listed; empty where it is not known.';
comment on column agora.unit_costs.month is 'First UTC day of the calendar month.';
comment on column agora.unit_costs.service is 'rtc, recording, cloud_recording, transcoding or miniapp.';
comment on column agora.unit_costs.media is 'audio, sd, hd, hdp, full_hd, 2k or 2k_plus; those without minutes and cost have no row.';
comment on column agora.unit_costs.minutes is 'Minutes as in usage_monthly, not rounded up; six decimals.';
comment on column agora.unit_costs.cost is 'Cost in the currency; six decimals.';
comment on column agora.unit_costs.cost_per_1000_minutes is
    'Cost of 1,000 minutes in the currency; six decimals. Null where a cost has no minutes.';
comment on column agora.unit_costs.currency is 'ISO 4217 code.';
comment on column agora.unit_costs.bill_status is 'complete, incomplete or in_progress, as in bill.';

create view agora.ghost_channel_costs as
with price as (
    -- The last tier that was reached: one minute less would have saved this.
    select distinct on (l.account_id, l.media)
        l.account_id,
        l.media,
        l.month,
        l.unit_price_per_1000,
        b.currency
    from agora.bill_line as l
    join agora.bill as b using (account_id, month, revision)
    where l.revision = 0 and l.service = 'rtc' and l.media in ('audio', 'hd')
    order by l.account_id, l.media, l.month desc, l.tier desc
)

select
    g.account_id,
    g.project_id,
    g.project_name,
    g.channel_name,
    g.user_count,
    g.from_at,
    g.to_at,
    g.flat_hours,
    g.is_open,
    audio.unit_price_per_1000 as audio_price_per_1000,
    hd.unit_price_per_1000 as hd_price_per_1000,
    round(g.user_count * 60 * audio.unit_price_per_1000 / 1000, 6) as audio_cost_per_hour,
    round(g.user_count * 60 * hd.unit_price_per_1000 / 1000, 6) as hd_cost_per_hour,
    round(g.flat_hours * g.user_count * 60 * audio.unit_price_per_1000 / 1000, 6) as audio_cost,
    round(g.flat_hours * g.user_count * 60 * hd.unit_price_per_1000 / 1000, 6) as hd_cost,
    coalesce(audio.currency, hd.currency) as currency,
    greatest(audio.month, hd.month) as price_month
from agora.ghost_channels as g
left join price as audio on audio.account_id = g.account_id and audio.media = 'audio'
left join price as hd
    on hd.account_id = g.account_id
    and hd.media = 'hd'
    and hd.currency = coalesce(audio.currency, hd.currency);

comment on view agora.ghost_channel_costs is
    'ghost_channels with what they cost. A snapshot does not tell audio from video, so both are given: as if all users were in audio, and as if all were in HD video. Prices are those of the last tier that was reached in the newest rated month with such minutes (service rtc, revision 0): what the last minute cost. Free minutes that are left would make it cheaper. After a change of currency the HD price is null until such minutes are rated in the new one.';
comment on column agora.ghost_channel_costs.account_id is 'Account of the project.';
comment on column agora.ghost_channel_costs.project_id is 'Project of the channel.';
comment on column agora.ghost_channel_costs.project_name is 'Name of the project as last listed.';
comment on column agora.ghost_channel_costs.channel_name is 'Name of the channel; a NUL character is written as \u0000.';
comment on column agora.ghost_channel_costs.user_count is 'Users in it all that time, 1 or 2.';
comment on column agora.ghost_channel_costs.from_at is 'First snapshot of that time.';
comment on column agora.ghost_channel_costs.to_at is 'Last snapshot of that time.';
comment on column agora.ghost_channel_costs.flat_hours is 'Hours from from_at to to_at, two decimals, at least 3.';
comment on column agora.ghost_channel_costs.is_open is 'Whether the channel was still so in the newest complete snapshot of the project.';
comment on column agora.ghost_channel_costs.audio_price_per_1000 is 'Price of 1,000 audio minutes in the currency; null where none was ever rated.';
comment on column agora.ghost_channel_costs.hd_price_per_1000 is 'Price of 1,000 HD minutes in the currency; null where none was ever rated.';
comment on column agora.ghost_channel_costs.audio_cost_per_hour is 'Cost of an hour in the currency, if all users are in audio; six decimals.';
comment on column agora.ghost_channel_costs.hd_cost_per_hour is 'Cost of an hour in the currency, if all users are in HD video; six decimals.';
comment on column agora.ghost_channel_costs.audio_cost is 'Cost of flat_hours in the currency, if all users are in audio; six decimals.';
comment on column agora.ghost_channel_costs.hd_cost is 'Cost of flat_hours in the currency, if all users are in HD video; six decimals.';
comment on column agora.ghost_channel_costs.currency is 'ISO 4217 code; null where nothing was ever rated.';
comment on column agora.ghost_channel_costs.price_month is 'First UTC day of the month that the newer of the two prices is from.';

create view agora.occupancy_heat_map as
with slot as (
    select
        h.account_id,
        h.project_id,
        extract(isodow from h.hour at time zone 'UTC')::integer as weekday,
        extract(hour from h.hour at time zone 'UTC')::integer as hour_of_day,
        count(*) as hours,
        sum(h.user_seconds) as user_seconds,
        sum(h.channel_seconds) as channel_seconds,
        sum(h.observed_seconds) as observed_seconds,
        max(h.peak_users) as peak_users,
        max(h.peak_channels) as peak_channels
    from agora.occupancy_hourly as h
    group by
        h.account_id,
        h.project_id,
        extract(isodow from h.hour at time zone 'UTC')::integer,
        extract(hour from h.hour at time zone 'UTC')::integer
)

select
    s.account_id,
    s.project_id,
    p.project_name,
    s.weekday,
    s.hour_of_day,
    s.hours,
    round(s.user_seconds / nullif(s.observed_seconds, 0), 6) as average_users,
    round(s.channel_seconds / nullif(s.observed_seconds, 0), 6) as average_channels,
    s.peak_users,
    s.peak_channels,
    round((3600 * s.hours - s.observed_seconds) / 60.0, 6) as unobserved_minutes
from slot as s
join agora.project as p using (account_id, project_id);

comment on view agora.occupancy_heat_map is
    'When projects are busy: users and channels by weekday and hour of the day (UTC), over all hours of occupancy_hourly, averaged over the seconds that were observed.';
comment on column agora.occupancy_heat_map.account_id is 'Account of the project.';
comment on column agora.occupancy_heat_map.project_id is 'Project whose channels were read.';
comment on column agora.occupancy_heat_map.project_name is 'Name of the project as last listed.';
comment on column agora.occupancy_heat_map.weekday is 'Day of the week in UTC, 1 Monday to 7 Sunday.';
comment on column agora.occupancy_heat_map.hour_of_day is 'Hour of the day in UTC, 0 to 23.';
comment on column agora.occupancy_heat_map.hours is 'Hours that the figures are made of; an hour that was not observed at all is not among them.';
comment on column agora.occupancy_heat_map.average_users is 'Users, averaged over the observed seconds; six decimals.';
comment on column agora.occupancy_heat_map.average_channels is 'Live channels, averaged over the observed seconds; six decimals.';
comment on column agora.occupancy_heat_map.peak_users is 'Users at the fullest moment that was observed.';
comment on column agora.occupancy_heat_map.peak_channels is 'Live channels at the moment with the most.';
comment on column agora.occupancy_heat_map.unobserved_minutes is 'Minutes of those hours that no snapshot stands for; six decimals.';

create view agora.usage_against_occupancy as
with seen as (
    select
        h.account_id,
        h.project_id,
        (h.hour at time zone 'UTC')::date as day,
        sum(h.user_seconds) as user_seconds,
        sum(h.observed_seconds) as observed_seconds,
        sum(h.incomplete_seconds) as incomplete_seconds,
        sum(h.snapshots) as snapshots
    from agora.occupancy_hourly as h
    group by h.account_id, h.project_id, (h.hour at time zone 'UTC')::date
),

compared as (
    select
        s.account_id,
        s.project_id,
        s.day,
        s.snapshots,
        s.user_seconds,
        s.observed_seconds,
        s.incomplete_seconds,
        used.seconds as used_seconds
    from seen as s
    left join lateral (
        select
            sum(
                coalesce(u.audio_seconds, 0) + coalesce(u.sd_seconds, 0) + coalesce(u.hd_seconds, 0)
                + coalesce(u.hdp_seconds, 0) + coalesce(u.full_hd_seconds, 0)
                + coalesce(u.video_2k_seconds, 0) + coalesce(u.video_2k_plus_seconds, 0)
            ) as seconds
        from agora.usage_daily as u
        where
            u.account_id = s.account_id
            and u.day = s.day
            and u.project_id = s.project_id
            and u.service in ('rtc', 'miniapp')
    ) as used on true
)

select
    c.account_id,
    c.project_id,
    p.project_name,
    c.day,
    c.snapshots,
    round(c.user_seconds / 60.0, 6) as seen_minutes,
    round((86400 - c.observed_seconds) / 60.0, 6) as unobserved_minutes,
    round(c.incomplete_seconds / 60.0, 6) as incomplete_minutes,
    round(c.user_seconds * 86400 / nullif(c.observed_seconds, 0) / 60.0, 6) as estimated_minutes,
    round(c.used_seconds / 60.0, 6) as used_minutes,
    round((c.used_seconds - c.user_seconds) / 60.0, 6) as difference_minutes,
    round(100 * c.user_seconds / nullif(c.used_seconds, 0), 2) as seen_percent
from compared as c
join agora.project as p using (account_id, project_id);

comment on view agora.usage_against_occupancy is
    'Minutes of participants that the snapshots saw, beside the minutes that the platform counts for the same UTC day (rtc and miniapp). They never agree exactly. Snapshots are a minute apart, so a stay is seen as a whole number of snapshots: each stay is off by less than a minute, either way, and one shorter than a minute may not be seen at all. The platform''s list of channels is itself up to a minute old. Unobserved minutes add nothing to what was seen, and incomplete snapshots too little. One row a project and day that has hours in occupancy_hourly.';
comment on column agora.usage_against_occupancy.account_id is 'Account of the project.';
comment on column agora.usage_against_occupancy.project_id is 'Project of the channels and of the usage.';
comment on column agora.usage_against_occupancy.project_name is 'Name of the project as last listed.';
comment on column agora.usage_against_occupancy.day is 'UTC day.';
comment on column agora.usage_against_occupancy.snapshots is 'Snapshots of the day; 1,440 are a minute apart.';
comment on column agora.usage_against_occupancy.seen_minutes is 'Users times observed minutes, of the observed time alone; six decimals.';
comment on column agora.usage_against_occupancy.unobserved_minutes is 'Minutes of the day that no snapshot stands for, 0 to 1,440; six decimals.';
comment on column agora.usage_against_occupancy.incomplete_minutes is 'Observed minutes in which a snapshot did not read every channel; six decimals.';
comment on column agora.usage_against_occupancy.estimated_minutes is
    'seen_minutes stretched over the whole day, as if the unobserved minutes were like the observed ones; six decimals. An estimate: little is known where much is unobserved.';
comment on column agora.usage_against_occupancy.used_minutes is
    'Minutes of all media that the platform counts, not rounded up; six decimals. Null where usage_daily has no row. HD+ beside Full HD, 2K or 2K+ may count twice.';
comment on column agora.usage_against_occupancy.difference_minutes is 'used_minutes less seen_minutes; six decimals.';
comment on column agora.usage_against_occupancy.seen_percent is 'seen_minutes in per cent of used_minutes; two decimals.';

-- The columns of the first views, which had none.
comment on column agora.usage_minutes.account_id is 'Account that used it.';
comment on column agora.usage_minutes.project_id is 'Project that used it.';
comment on column agora.usage_minutes.project_name is 'Name of the project as last listed.';
comment on column agora.usage_minutes.service is 'rtc, recording, cloud_recording, transcoding or miniapp.';
comment on column agora.usage_minutes.day is 'UTC day.';
comment on column agora.usage_minutes.source is 'v3: from seconds; v1: from minutes that the platform rounded up each day.';
comment on column agora.usage_minutes.audio_minutes is 'Minutes of audio, with fractions.';
comment on column agora.usage_minutes.sd_minutes is 'Minutes of SD video (v1 only), billed as HD, with fractions.';
comment on column agora.usage_minutes.hd_minutes is 'Minutes of HD video, with fractions.';
comment on column agora.usage_minutes.hdp_minutes is 'Minutes of HD+ video, with fractions.';
comment on column agora.usage_minutes.full_hd_minutes is 'Minutes of Full HD video, with fractions.';
comment on column agora.usage_minutes.video_2k_minutes is 'Minutes of 2K video, with fractions.';
comment on column agora.usage_minutes.video_2k_plus_minutes is 'Minutes of 2K+ video, with fractions.';

comment on column agora.project_cost_daily.account_id is 'Account that the bill is for.';
comment on column agora.project_cost_daily.project_id is 'Project that caused the cost.';
comment on column agora.project_cost_daily.project_name is 'Name of the project as last listed; empty where it is not known.';
comment on column agora.project_cost_daily.day is 'UTC day.';
comment on column agora.project_cost_daily.service is 'rtc, recording, cloud_recording, transcoding or miniapp.';
comment on column agora.project_cost_daily.cost is 'Cost in the currency, six decimals.';
comment on column agora.project_cost_daily.currency is 'ISO 4217 code.';
comment on column agora.project_cost_daily.bill_status is 'complete, incomplete or in_progress, as in bill.';

comment on column agora.project_cost_monthly.account_id is 'Account that the bill is for.';
comment on column agora.project_cost_monthly.project_id is 'Project that caused the cost.';
comment on column agora.project_cost_monthly.project_name is 'Name of the project as last listed; empty where it is not known.';
comment on column agora.project_cost_monthly.month is 'First UTC day of the calendar month.';
comment on column agora.project_cost_monthly.cost is 'Cost in the currency, in whole minor units.';
comment on column agora.project_cost_monthly.currency is 'ISO 4217 code.';
comment on column agora.project_cost_monthly.bill_status is 'complete, incomplete or in_progress, as in bill.';

comment on column agora.occupancy_peaks.account_id is 'Account of the project.';
comment on column agora.occupancy_peaks.project_id is 'Project whose channels were read.';
comment on column agora.occupancy_peaks.project_name is 'Name of the project as last listed.';
comment on column agora.occupancy_peaks.day is 'UTC day.';
comment on column agora.occupancy_peaks.peak_users is 'Users in channels in the fullest snapshot of the day.';
comment on column agora.occupancy_peaks.channels_at_peak is 'Live channels that were read in that snapshot.';
comment on column agora.occupancy_peaks.peak_at is 'When that snapshot was taken; the earliest of equal ones.';
comment on column agora.occupancy_peaks.complete is 'Whether that snapshot read every channel.';
