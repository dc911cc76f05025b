-- What a month costs is what its closed bill says, also after its usage was restated:
-- views rest on the bill in force, as reports do, and tell which revision that is.

-- Without a draft where there is a closed revision. Not `distinct on`, of which the
-- planner does not know how many rows it leaves of each account and month.
create view agora.bill_in_force with (security_invoker = true) as
select
    b.account_id,
    b.month,
    b.revision,
    b.closed_at,
    b.status,
    b.currency,
    b.minor_unit_digits,
    b.exact_total,
    b.total,
    b.total_low,
    b.total_high,
    b.unallocated,
    b.adjustment_total,
    b.amount_due,
    b.plan,
    b.book_name,
    b.book_sha256,
    b.rated_at,
    b.known_request_id,
    b.known_adjustment_id
from agora.bill as b
where not exists (
    select
    from agora.bill as later
    where
        later.account_id = b.account_id
        and later.month = b.month
        and later.revision > b.revision
);

comment on view agora.bill_in_force is
    'What each account''s months cost: one row an account and month, the newest closed revision, or the draft of a month that was never closed. Reports and all views of costs rest on it; later facts count once they are closed as a further revision (bill close --revise).';
comment on column agora.bill_in_force.account_id is 'As in bill.';
comment on column agora.bill_in_force.month is 'First UTC day of the calendar month.';
comment on column agora.bill_in_force.revision is '0: draft; from 1: closed revision, the newest of the month.';
comment on column agora.bill_in_force.closed_at is 'When the revision was closed; null: draft.';
comment on column agora.bill_in_force.status is 'As in bill.';
comment on column agora.bill_in_force.currency is 'ISO 4217 code of every amount.';
comment on column agora.bill_in_force.minor_unit_digits is 'As in bill.';
comment on column agora.bill_in_force.exact_total is 'As in bill, in the currency.';
comment on column agora.bill_in_force.total is 'Rated total without adjustments, in the currency.';
comment on column agora.bill_in_force.total_low is 'As in bill, in the currency.';
comment on column agora.bill_in_force.total_high is 'As in bill, in the currency.';
comment on column agora.bill_in_force.unallocated is
    'Part of the rated total that belongs to no project, in the currency.';
comment on column agora.bill_in_force.adjustment_total is
    'Sum of the adjustments, in the currency; negative for a credit.';
comment on column agora.bill_in_force.amount_due is 'The rated total with its adjustments, in the currency.';
comment on column agora.bill_in_force.plan is 'As in bill.';
comment on column agora.bill_in_force.book_name is 'Name of the price book.';
comment on column agora.bill_in_force.book_sha256 is
    'SHA-256 of the price book''s text, in hexadecimal digits; the text is in price_book, for roles that see every account.';
comment on column agora.bill_in_force.rated_at is 'When the bill was made.';
comment on column agora.bill_in_force.known_request_id is
    'Newest request whose values the bill was made from; null: made before these were recorded.';
comment on column agora.bill_in_force.known_adjustment_id is
    'Newest adjustment that was known; null: made before these were recorded.';

create or replace view agora.project_cost_daily with (security_invoker = true) as
select
    a.account_id,
    a.project_id,
    coalesce(p.project_name, '') as project_name,
    a.day,
    a.service,
    a.cost,
    b.currency,
    b.status as bill_status,
    b.revision,
    b.closed_at
from agora.bill_in_force as b
join agora.bill_allocation as a using (account_id, month, revision)
left join agora.project as p
    on p.account_id = a.account_id
    and p.project_id = a.project_id;

comment on view agora.project_cost_daily is
    'Cost of usage by project, UTC day and service, in millionths of the currency, from the bills in force of the months that were reported. Adjustments have no day and are left out.';
comment on column agora.project_cost_daily.revision is '0: the month''s draft; from 1: closed revision.';
comment on column agora.project_cost_daily.closed_at is 'When the month was closed; null: draft.';

-- Bill by bill: what is summed is one range of a key, and its sums are few.
create or replace view agora.project_cost_monthly with (security_invoker = true) as
select
    b.account_id,
    c.project_id,
    coalesce(p.project_name, '') as project_name,
    b.month,
    round(c.cost, b.minor_unit_digits) as cost,
    b.currency,
    b.status as bill_status,
    b.revision,
    b.closed_at
from agora.bill_in_force as b
cross join lateral (
    select part.project_id, sum(part.cost) as cost
    from (
        select a.project_id, a.cost
        from agora.bill_allocation as a
        where a.account_id = b.account_id and a.month = b.month and a.revision = b.revision
        union all
        select j.project_id, j.cost
        from agora.bill_adjustment as j
        where
            j.account_id = b.account_id and j.month = b.month and j.revision = b.revision
            and j.project_id <> ''
    ) as part
    group by part.project_id
) as c
left join agora.project as p
    on p.account_id = b.account_id
    and p.project_id = c.project_id;

comment on view agora.project_cost_monthly is
    'Cost by project and month in whole minor units, adjustments included, from the bills in force; the rows of a month, the unallocated part of bill_in_force and the adjustments of no project sum to its amount_due.';
comment on column agora.project_cost_monthly.revision is '0: the month''s draft; from 1: closed revision.';
comment on column agora.project_cost_monthly.closed_at is 'When the month was closed; null: draft.';

create or replace view agora.cost_centre_cost_monthly with (security_invoker = true) as
with part as (
    select
        c.account_id,
        c.month,
        coalesce(t.tag_value, '(untagged)') as cost_centre,
        c.cost
    from agora.project_cost_monthly as c
    left join lateral (
        select g.tag_value
        from agora.project_tag as g
        where
            g.account_id = c.account_id
            and g.project_id = c.project_id
            and g.tag_key = 'cost_centre'
            and g.valid_from <= c.month
            -- A closed month keeps the tags that were known when it was closed.
            and (c.closed_at is null or g.recorded_at <= c.closed_at)
            and (g.superseded_at is null or g.superseded_at > c.closed_at)
        order by g.valid_from desc, g.tag_id desc
        limit 1
    ) as t on true
    union all
    select b.account_id, b.month, '(unallocated)', b.unallocated
    from agora.bill_in_force as b
    where b.unallocated <> 0
    union all
    select b.account_id, b.month, '(unallocated)', j.cost
    from agora.bill_in_force as b
    join agora.bill_adjustment as j using (account_id, month, revision)
    where j.project_id = ''
)

select
    c.account_id,
    c.month,
    c.cost_centre,
    round(sum(c.cost), b.minor_unit_digits) as cost,
    b.currency,
    b.status as bill_status,
    b.revision,
    b.closed_at
from part as c
join agora.bill_in_force as b
    on b.account_id = c.account_id
    and b.month = c.month
group by
    c.account_id, c.month, c.cost_centre, b.currency, b.minor_unit_digits, b.status,
    b.revision, b.closed_at;

comment on view agora.cost_centre_cost_monthly is
    'Cost by cost centre and month in whole minor units, from the bills in force, by the tags in force for the month, of a closed month those known at its closing; the rows of a month sum to the amount_due of bill_in_force.';
comment on column agora.cost_centre_cost_monthly.revision is '0: the month''s draft; from 1: closed revision.';
comment on column agora.cost_centre_cost_monthly.closed_at is 'When the month was closed; null: draft.';

create or replace view agora.cost_by_media_daily with (security_invoker = true) as
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
    b.status as bill_status,
    b.revision,
    b.closed_at
from agora.usage_daily as u
left join agora.project as p using (account_id, project_id)
left join agora.bill_in_force as b
    on b.account_id = u.account_id
    and b.month = date_trunc('month', u.day::timestamp)::date
left join agora.bill_allocation as a
    on a.account_id = b.account_id
    and a.month = b.month
    and a.revision = b.revision
    and a.project_id = u.project_id
    and a.day = u.day
    and a.service = u.service
-- The value that a closed bill was made from, where another came later.
left join agora.usage_revision as r
    on r.account_id = u.account_id
    and r.day = u.day
    and r.project_id = u.project_id
    and r.service = u.service
    and b.revision > 0
    and r.request_id <= b.known_request_id
    and r.superseded_by > b.known_request_id
cross join lateral (
    select b.revision > 0 and u.request_id > b.known_request_id as came_later
) as k
cross join lateral (
    values
    ('audio', case when k.came_later then r.audio_seconds else u.audio_seconds end, a.audio_cost),
    ('sd', case when k.came_later then r.sd_seconds else u.sd_seconds end, a.sd_cost),
    ('hd', case when k.came_later then r.hd_seconds else u.hd_seconds end, a.hd_cost),
    ('hdp', case when k.came_later then r.hdp_seconds else u.hdp_seconds end, a.hdp_cost),
    ('full_hd', case when k.came_later then r.full_hd_seconds else u.full_hd_seconds end, a.full_hd_cost),
    ('2k', case when k.came_later then r.video_2k_seconds else u.video_2k_seconds end, a.video_2k_cost),
    (
        '2k_plus',
        case when k.came_later then r.video_2k_plus_seconds else u.video_2k_plus_seconds end,
        a.video_2k_plus_cost
    )
) as m (media, seconds, cost)
where m.seconds <> 0;

comment on view agora.cost_by_media_daily is
    'Usage and cost by project, UTC day, service and media: one row where seconds are known and not 0. Costs come from the bill in force of the month, and of a closed month the seconds that it was made from; the rows of a month and the unallocated part of bill_in_force sum to the bill.';
comment on column agora.cost_by_media_daily.seconds is
    'Seconds used; of a closed month as they were known to its bill.';
comment on column agora.cost_by_media_daily.bill_status is
    'complete, incomplete or in_progress, as of the bill in force; null while the month was not reported.';
comment on column agora.cost_by_media_daily.revision is
    '0: the month''s draft; from 1: closed revision; null while the month was not reported.';
comment on column agora.cost_by_media_daily.closed_at is 'When the month was closed; null: it is not.';

create or replace view agora.unit_costs with (security_invoker = true) as
select
    b.account_id,
    s.project_id,
    coalesce(p.project_name, '') as project_name,
    b.month,
    s.service,
    m.media,
    m.minutes,
    m.cost,
    round(1000 * m.cost / nullif(m.minutes, 0), 6) as cost_per_1000_minutes,
    b.currency,
    b.status as bill_status,
    b.revision,
    b.closed_at
from agora.bill_in_force as b
-- Bill by bill: what is summed is one range of each key, and its sums are few. Costs and
-- seconds are put below each other and summed once: the planner would join their sums
-- without knowing how many they are.
cross join lateral (
    with entry as (
        select
            a.project_id, a.service, true as is_cost,
            a.audio_cost, a.sd_cost, a.hd_cost, a.hdp_cost,
            a.full_hd_cost, a.video_2k_cost, a.video_2k_plus_cost,
            null::bigint as audio_seconds, null::bigint as sd_seconds, null::bigint as hd_seconds,
            null::bigint as hdp_seconds, null::bigint as full_hd_seconds,
            null::bigint as video_2k_seconds, null::bigint as video_2k_plus_seconds
        from agora.bill_allocation as a
        where a.account_id = b.account_id and a.month = b.month and a.revision = b.revision
        union all
        select
            u.project_id, u.service, false,
            null, null, null, null, null, null, null,
            u.audio_seconds, u.sd_seconds, u.hd_seconds,
            u.hdp_seconds, u.full_hd_seconds,
            u.video_2k_seconds, u.video_2k_plus_seconds
        from agora.usage_daily as u
        where
            u.account_id = b.account_id
            and u.day >= b.month
            and u.day < (b.month + interval '1 month')::date
            and (b.revision = 0 or b.known_request_id is null or u.request_id <= b.known_request_id)
        union all
        -- Values that a closed bill was made from, and that others replaced.
        select
            r.project_id, r.service, false,
            null, null, null, null, null, null, null,
            r.audio_seconds, r.sd_seconds, r.hd_seconds,
            r.hdp_seconds, r.full_hd_seconds,
            r.video_2k_seconds, r.video_2k_plus_seconds
        from agora.usage_revision as r
        where
            b.revision > 0
            and r.account_id = b.account_id
            and r.day >= b.month
            and r.day < (b.month + interval '1 month')::date
            and r.request_id <= b.known_request_id
            and r.superseded_by > b.known_request_id
    )

    select
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
    group by e.project_id, e.service
    having bool_or(e.is_cost)
) as s
left join agora.project as p
    on p.account_id = b.account_id
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
    'What 1,000 minutes cost a project, by service, media and month: its share of the bill in force over its minutes. Free minutes, tiers and the rounding are in it, so it is not a price of the book. Minutes of a closed month are those that its bill was made from; those of a draft are the current ones, and may have moved since it was made.';
comment on column agora.unit_costs.minutes is
    'Minutes, not rounded up; six decimals; of a closed month as they were known to its bill.';
comment on column agora.unit_costs.revision is '0: the month''s draft; from 1: closed revision.';
comment on column agora.unit_costs.closed_at is 'When the month was closed; null: draft.';

create or replace view agora.ghost_channel_costs with (security_invoker = true) as
with price as (
    -- The last tier that was reached: one minute less would have saved this.
    select distinct on (l.account_id, l.media)
        l.account_id,
        l.media,
        l.month,
        l.unit_price_per_1000,
        b.currency
    from agora.bill_in_force as b
    join agora.bill_line as l using (account_id, month, revision)
    where l.service = 'rtc' and l.media in ('audio', 'hd')
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
    'ghost_channels with what they cost. A snapshot does not tell audio from video, so both are given: as if all users were in audio, and as if all were in HD video. Prices are those of the last tier that was reached in the newest rated month with such minutes (service rtc, bill in force): what the last minute cost. Free minutes that are left would make it cheaper. After a change of currency the HD price is null until such minutes are rated in the new one.';

create or replace view agora.invoiced_bill with (security_invoker = true) as
select
    b.account_id,
    b.month,
    b.revision,
    b.minor_unit_digits,
    b.total,
    b.unallocated,
    b.adjustment_total,
    b.amount_due,
    i.import,
    i.currency,
    i.total as invoice_total
from agora.bill_in_force as b
join agora.invoice_in_force as i using (account_id, month);

comment on view agora.invoiced_bill is
    'The bill that an invoice is held against: the bill in force. Months without an invoice are left out.';

create or replace view agora.project_margin_monthly with (security_invoker = true) as
select
    s.account_id,
    s.month,
    s.project_id,
    coalesce(p.project_name, '') as project_name,
    round(s.cost, 2) as cost,
    round(s.amount, 2) as sell,
    round(s.amount - s.cost, 2) as margin,
    round(100 * (s.amount - s.cost) / nullif(s.amount, 0), 1) as margin_percent,
    s.currency,
    s.rated_at
from agora.sell_allocation as s
left join agora.project as p using (account_id, project_id)
where s.cost is not null;

comment on view agora.project_margin_monthly is
    'What each project costs and sells for, by month, before tax, in months that resale margin or resale statement rated; adjustments are part of the cost. Both sides are of rated_at: a month that is closed or revised later is to be rated again.';
comment on column agora.project_margin_monthly.rated_at is
    'When both sides were rated, by the bill that was in force then.';

-- Their text stays with who runs the program: what is decided is said where it is looked for.
comment on table agora.price_book is
    'The text of every price book that a bill was made with. Written along with the bill, never changed. Roles that see some accounts alone see no row, since a text may name other accounts and their terms: what their bills were made with is in price_book_use, and the prices are in bill_line.';
