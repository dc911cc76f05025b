-- What a total could be as well, and amounts that belong to no single media.

alter table agora.bill
    add column plan text,
    add column total_low numeric(38, 6),
    add column total_high numeric(38, 6),
    add column assumptions jsonb not null default '[]';

alter table agora.bill
    add constraint bill_range_holds_the_total check (total between total_low and total_high),
    add constraint bill_assumptions_are_a_list check (jsonb_typeof(assumptions) = 'array');

comment on column agora.bill.plan is
    'Plan of the price book: tiered, fixed or standard_minutes; null on bills that were made before this column.';
comment on column agora.bill.total_low is
    'Least total over all readings of what Agora leaves open, in the currency; null where it was not worked out.';
comment on column agora.bill.total_high is
    'Greatest total over all readings of what Agora leaves open, in the currency; null where it was not worked out.';
comment on column agora.bill.assumptions is
    'List of objects with key, value, text, and low and high: the totals, as strings in the currency, when this point alone is read otherwise.';
comment on column agora.bill.exact_total is
    'Sum of the exact amounts of lines and charges before the one rounding; a discount or a tax may have more than the 12 decimal places of this column.';

alter table agora.bill_line
    add column kind text not null default 'usage' check (
        kind in (
            'usage', 'audience', 'package', 'top_up', 'overage',
            'discount', 'commitment', 'tax'
        )
    ),
    add column coefficient numeric(38, 12),
    add column note text,
    drop constraint bill_line_pkey,
    add primary key (account_id, month, revision, kind, service, media, tier),
    add constraint bill_line_usage_has_a_service check (
        (kind in ('usage', 'audience')) = (service <> '' and media <> '')
    );

comment on table agora.bill_line is
    'How a bill was made: one row a kind, service, media and price tier, and one a charge; the amounts sum to bill.exact_total.';
comment on column agora.bill_line.kind is
    'usage; audience: the assumed part of rtc that is broadcast audience; package, top_up, overage: charges of standard minutes; discount (negative), commitment, tax: terms of the whole bill.';
comment on column agora.bill_line.service is 'Service billed; empty for a charge.';
comment on column agora.bill_line.media is 'Media billed; SD is part of hd; empty for a charge.';
comment on column agora.bill_line.tier is
    'Number of the volume tier, from 1; of a charge its number among those of its kind.';
comment on column agora.bill_line.minutes is
    'Minutes in this tier, free ones included; of a charge the standard minutes that it pays for, 0 where it pays for none.';
comment on column agora.bill_line.billable_minutes is
    'Minutes that were billed in this tier; of a charge as minutes; 0 where the line counts in standard minutes.';
comment on column agora.bill_line.unit_price_per_1000 is
    'Price of 1,000 minutes in this tier, after its discount, in the currency; 0 where the line counts in standard minutes or is a charge without one.';
comment on column agora.bill_line.coefficient is
    'Standard minutes for one minute of this line; null where minutes have a price of their own.';
comment on column agora.bill_line.note is 'What a charge is for, in words; null for usage.';
