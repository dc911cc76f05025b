-- Rated months: the bill, its lines, and what each project and day has of it.

create table agora.bill (
    account_id         text            not null references agora.account,
    month              date            not null check (extract(day from month) = 1),
    revision           integer         not null check (revision >= 0),
    status             text            not null check (status in ('complete', 'incomplete', 'in_progress')),
    currency           text            not null,
    minor_unit_digits  smallint        not null check (minor_unit_digits between 0 and 6),
    exact_total        numeric(38, 12) not null,
    total              numeric(38, 6)  not null,
    unallocated        numeric(38, 6)  not null,
    book_name          text            not null,
    book_sha256        text            not null,
    rated_at           timestamptz     not null,
    primary key (account_id, month, revision)
);

comment on table agora.bill is
    'One row a rated month of an account. Revision 0 is the draft, replaced in place by each report.';
comment on column agora.bill.account_id is 'Account that the bill is for.';
comment on column agora.bill.month is 'First UTC day of the calendar month.';
comment on column agora.bill.revision is '0: draft.';
comment on column agora.bill.status is
    'complete; incomplete: days or values are missing, contradicted or unpriced; in_progress: the month is not over.';
comment on column agora.bill.currency is 'ISO 4217 code of every amount of the bill.';
comment on column agora.bill.minor_unit_digits is
    'Decimal places of the currency''s minor unit: 2 for USD.';
comment on column agora.bill.exact_total is 'Sum of the exact line amounts, before the one rounding.';
comment on column agora.bill.total is 'The total, rounded half up to the minor unit of the currency.';
comment on column agora.bill.unallocated is 'Part of the total that belongs to no project.';
comment on column agora.bill.book_name is 'Name of the price book.';
comment on column agora.bill.book_sha256 is 'SHA-256 of the price book''s text.';
comment on column agora.bill.rated_at is 'When the bill was made.';

create table agora.bill_line (
    account_id           text            not null,
    month                date            not null,
    revision             integer         not null,
    service              text            not null,
    media                text            not null,
    tier                 integer         not null check (tier >= 1),
    seconds              numeric(38, 0),
    minutes              numeric(38, 0)  not null,
    free_minutes         numeric(38, 0)  not null,
    billable_minutes     numeric(38, 0)  not null,
    unit_price_per_1000  numeric(38, 12) not null,
    amount               numeric(38, 12) not null,
    primary key (account_id, month, revision, service, media, tier),
    foreign key (account_id, month, revision) references agora.bill on delete cascade
);

comment on table agora.bill_line is 'How a bill was made: one row a service, media and price tier.';
comment on column agora.bill_line.account_id is 'As in bill.';
comment on column agora.bill_line.month is 'As in bill.';
comment on column agora.bill_line.revision is 'As in bill.';
comment on column agora.bill_line.service is 'Service billed.';
comment on column agora.bill_line.media is 'Media billed; SD is part of hd.';
comment on column agora.bill_line.tier is 'Number of the volume tier, from 1.';
comment on column agora.bill_line.seconds is
    'Seconds of the month, all tiers together, on the first tier of a media; null on the others.';
comment on column agora.bill_line.minutes is 'Minutes in this tier, free ones included.';
comment on column agora.bill_line.free_minutes is 'Minutes that were free.';
comment on column agora.bill_line.billable_minutes is 'Minutes that were billed in this tier.';
comment on column agora.bill_line.unit_price_per_1000 is 'Price of 1,000 minutes in this tier, after its discount.';
comment on column agora.bill_line.amount is 'Exact amount, not rounded.';

create table agora.bill_allocation (
    account_id          text           not null,
    month               date           not null,
    revision            integer        not null,
    project_id          text           not null,
    day                 date           not null,
    service             text           not null,
    audio_cost          numeric(38, 6) not null,
    sd_cost             numeric(38, 6) not null,
    hd_cost             numeric(38, 6) not null,
    hdp_cost            numeric(38, 6) not null,
    full_hd_cost        numeric(38, 6) not null,
    video_2k_cost       numeric(38, 6) not null,
    video_2k_plus_cost  numeric(38, 6) not null,
    cost                numeric(38, 6) not null,
    -- No foreign key and no check of the sum: both would be paid for on every
    -- row of a bulk load; the program checks each bill before it writes.
    primary key (account_id, month, revision, project_id, day, service)
);

comment on table agora.bill_allocation is
    'What each project, day and service has of a bill, in millionths of the currency. The rows of a project sum to whole minor units, and all rows together with bill.unallocated to bill.total.';
comment on column agora.bill_allocation.account_id is 'As in bill.';
comment on column agora.bill_allocation.month is 'As in bill.';
comment on column agora.bill_allocation.revision is 'As in bill.';
comment on column agora.bill_allocation.project_id is 'Project that caused the cost.';
comment on column agora.bill_allocation.day is 'UTC day that caused the cost.';
comment on column agora.bill_allocation.service is 'Service that caused the cost.';
comment on column agora.bill_allocation.audio_cost is 'Part of the cost that audio caused, in the currency.';
comment on column agora.bill_allocation.sd_cost is 'Part of the cost that SD video caused, in the currency.';
comment on column agora.bill_allocation.hd_cost is 'Part of the cost that HD video caused, in the currency.';
comment on column agora.bill_allocation.hdp_cost is 'Part of the cost that HD+ video caused, in the currency.';
comment on column agora.bill_allocation.full_hd_cost is 'Part of the cost that Full HD video caused, in the currency.';
comment on column agora.bill_allocation.video_2k_cost is 'Part of the cost that 2K video caused, in the currency.';
comment on column agora.bill_allocation.video_2k_plus_cost is 'Part of the cost that 2K+ video caused, in the currency.';
comment on column agora.bill_allocation.cost is 'Sum of the parts, in the currency.';
