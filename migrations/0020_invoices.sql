-- The platform's invoices, and what they have more than our bills.

create table agora.invoice (
    account_id    text            not null references agora.account,
    month         date            not null check (extract(day from month) = 1),
    import        integer         not null check (import >= 1),
    currency      text            not null,
    total         numeric(38, 6)  not null,
    file_name     text            not null,
    file_sha256   text            not null,
    imported_at   timestamptz     not null,
    primary key (account_id, month, import)
);

comment on table agora.invoice is
    'One row an imported invoice of the platform. The highest import of a month is the one in force; earlier ones stay as they were. Written by bill reconcile.';
comment on column agora.invoice.account_id is 'Account that the invoice is for.';
comment on column agora.invoice.month is 'First UTC day of the calendar month.';
comment on column agora.invoice.import is 'Number of the import, from 1 for each account and month.';
comment on column agora.invoice.currency is 'ISO 4217 code of every amount of the invoice: that of the price book.';
comment on column agora.invoice.total is
    'Sum of the rows, rounded half up to the minor unit of the currency, in the currency.';
comment on column agora.invoice.file_name is 'Name of the file, without folders.';
comment on column agora.invoice.file_sha256 is 'SHA-256 of the file''s bytes in hexadecimal.';
comment on column agora.invoice.imported_at is 'When it was imported.';

create table agora.invoice_line (
    account_id   text            not null,
    month        date            not null,
    import       integer         not null,
    line_number  integer         not null check (line_number >= 1),
    service      text            not null,
    media        text            not null,
    minutes      numeric(38, 6)  check (minutes >= 0),
    amount       numeric(38, 12) not null,
    primary key (account_id, month, import, line_number),
    foreign key (account_id, month, import) references agora.invoice
);

comment on table agora.invoice_line is 'The rows of an invoice as its file states them.';
comment on column agora.invoice_line.account_id is 'As in invoice.';
comment on column agora.invoice_line.month is 'As in invoice.';
comment on column agora.invoice_line.import is 'As in invoice.';
comment on column agora.invoice_line.line_number is 'Line of the file, from 1.';
comment on column agora.invoice_line.service is
    'Service charged, or package, top_up, overage, discount, commitment, other or tax for a row that is no usage.';
comment on column agora.invoice_line.media is 'Media charged; empty for a row that is no usage.';
comment on column agora.invoice_line.minutes is
    'Used minutes before the free ones are taken off; null where the invoice does not say.';
comment on column agora.invoice_line.amount is
    'What the row charges, net of tax, exactly, in the currency; negative for a credit.';

create table agora.invoice_allocation (
    account_id  text           not null,
    month       date           not null,
    import      integer        not null,
    project_id  text           not null,
    cost        numeric(38, 6) not null,
    primary key (account_id, month, import, project_id),
    foreign key (account_id, month, import) references agora.invoice
);

comment on table agora.invoice_allocation is
    'The invoice''s total split over the projects by largest remainder on their exact costs of our bill, as the bill itself is. The rows of an import sum to invoice.total.';
comment on column agora.invoice_allocation.account_id is 'As in invoice.';
comment on column agora.invoice_allocation.month is 'As in invoice.';
comment on column agora.invoice_allocation.import is 'As in invoice.';
comment on column agora.invoice_allocation.project_id is
    'Project that caused the cost; empty for what belongs to no project.';
comment on column agora.invoice_allocation.cost is 'Part of the total in whole minor units, in the currency.';

create view agora.invoice_in_force as
select distinct on (account_id, month)
    account_id,
    month,
    import,
    currency,
    total,
    file_name,
    file_sha256,
    imported_at
from agora.invoice
order by account_id, month, import desc;

comment on view agora.invoice_in_force is 'The newest import of each account and month.';
comment on column agora.invoice_in_force.account_id is 'As in invoice.';
comment on column agora.invoice_in_force.month is 'As in invoice.';
comment on column agora.invoice_in_force.import is 'As in invoice.';
comment on column agora.invoice_in_force.currency is 'As in invoice.';
comment on column agora.invoice_in_force.total is 'As in invoice.';
comment on column agora.invoice_in_force.file_name is 'As in invoice.';
comment on column agora.invoice_in_force.file_sha256 is 'As in invoice.';
comment on column agora.invoice_in_force.imported_at is 'As in invoice.';

create view agora.bill_to_invoice as
select distinct on (account_id, month)
    account_id,
    month,
    revision,
    total,
    exact_total,
    unallocated
from agora.bill
order by account_id, month, revision desc;

comment on view agora.bill_to_invoice is
    'The bill that an invoice is held against: the newest closed revision of a month, or its draft.';
comment on column agora.bill_to_invoice.account_id is 'As in bill.';
comment on column agora.bill_to_invoice.month is 'First UTC day of the calendar month.';
comment on column agora.bill_to_invoice.revision is '0: draft; from 1: closed.';
comment on column agora.bill_to_invoice.total is 'Rated total without adjustments, in the currency.';
comment on column agora.bill_to_invoice.exact_total is 'As bill.exact_total, in the currency.';
comment on column agora.bill_to_invoice.unallocated is 'As bill.unallocated, in the currency.';

create view agora.invoice_difference as
with estimate as (
    select
        l.account_id,
        l.month,
        case when l.service = '' then l.kind else l.service end as service,
        l.media,
        l.amount
    from agora.bill_line as l
    join agora.bill_to_invoice as b using (account_id, month, revision)
    union all
    select account_id, month, 'rounding', '', total - exact_total
    from agora.bill_to_invoice
),
invoiced as (
    select l.account_id, l.month, l.service, l.media, l.amount
    from agora.invoice_line as l
    join agora.invoice_in_force as i using (account_id, month, import)
    union all
    select i.account_id, i.month, 'rounding', '', i.total - sum(l.amount)
    from agora.invoice_in_force as i
    join agora.invoice_line as l using (account_id, month, import)
    group by i.account_id, i.month, i.total
),
sides as (
    select account_id, month, service, media, amount as estimate, 0.000000000000 as invoice
    from estimate
    union all
    select account_id, month, service, media, 0.000000000000, amount
    from invoiced
)
select
    s.account_id,
    s.month,
    s.service,
    s.media,
    sum(s.estimate) as estimate,
    sum(s.invoice) as invoice,
    sum(s.invoice) - sum(s.estimate) as difference,
    i.currency
from sides as s
join agora.invoice_in_force as i using (account_id, month)
group by s.account_id, s.month, s.service, s.media, i.currency;

comment on view agora.invoice_difference is
    'What the invoice in force has more than our bill (bill_to_invoice), by service and media, in the currency; months without an invoice are left out. The rows of a month sum to invoice.total less bill.total.';
comment on column agora.invoice_difference.account_id is 'As in invoice.';
comment on column agora.invoice_difference.month is 'As in invoice.';
comment on column agora.invoice_difference.service is
    'Service, or the kind of a charge, tax, discount, other or rounding for what is no usage.';
comment on column agora.invoice_difference.media is 'Media; empty for what is no usage.';
comment on column agora.invoice_difference.estimate is 'Exact amount of our bill, in the currency.';
comment on column agora.invoice_difference.invoice is 'Exact amount of the invoice, in the currency.';
comment on column agora.invoice_difference.difference is 'Invoice less estimate, in the currency.';
comment on column agora.invoice_difference.currency is 'ISO 4217 code.';

create view agora.invoice_difference_by_project as
with sides as (
    select a.account_id, a.month, a.project_id, a.cost as estimate, 0 as invoice
    from agora.bill_allocation as a
    join agora.bill_to_invoice as b using (account_id, month, revision)
    union all
    select account_id, month, '', unallocated, 0
    from agora.bill_to_invoice
    where unallocated <> 0
    union all
    select a.account_id, a.month, a.project_id, 0, a.cost
    from agora.invoice_allocation as a
    join agora.invoice_in_force as i using (account_id, month, import)
)
select
    s.account_id,
    s.month,
    s.project_id,
    coalesce(p.project_name, '') as project_name,
    sum(s.estimate) as estimate,
    sum(s.invoice) as invoice,
    sum(s.invoice) - sum(s.estimate) as difference,
    i.currency
from sides as s
join agora.invoice_in_force as i using (account_id, month)
left join agora.project as p using (account_id, project_id)
group by s.account_id, s.month, s.project_id, p.project_name, i.currency;

comment on view agora.invoice_difference_by_project is
    'Our bill (bill_to_invoice) and the invoice in force by project, in the currency; months without an invoice are left out.';
comment on column agora.invoice_difference_by_project.account_id is 'As in invoice.';
comment on column agora.invoice_difference_by_project.month is 'As in invoice.';
comment on column agora.invoice_difference_by_project.project_id is
    'Project; empty for what belongs to no project.';
comment on column agora.invoice_difference_by_project.project_name is 'Its current name.';
comment on column agora.invoice_difference_by_project.estimate is 'Its part of our bill, in the currency.';
comment on column agora.invoice_difference_by_project.invoice is 'Its part of the invoice, in the currency.';
comment on column agora.invoice_difference_by_project.difference is 'Invoice less estimate, in the currency.';
comment on column agora.invoice_difference_by_project.currency is 'ISO 4217 code.';
