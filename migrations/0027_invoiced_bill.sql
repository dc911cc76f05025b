-- What an invoice is held against has the adjustments on both sides, and an
-- invoice that was imported never changes.

comment on column agora.invoice_line.service is
    'Service charged, or tax, discount, commitment, package, top_up, overage, adjustment or other for a row that is no usage.';
comment on column agora.invoice_line.amount is
    'What the row charges, exactly, in the currency, net of tax, which has a row of its own; negative for a credit.';
comment on table agora.invoice_allocation is
    'The invoice''s total split over the projects by largest remainder on their exact costs of our bill, as the bill itself is; adjustments that the invoice has too stay with their projects. The rows of an import sum to invoice.total.';

create trigger invoice_stays
    before update or delete on agora.invoice
    for each row execute function agora.refuse_change();
create trigger invoice_stays
    before update or delete on agora.invoice_line
    for each row execute function agora.refuse_change();
create trigger invoice_stays
    before update or delete on agora.invoice_allocation
    for each row execute function agora.refuse_change();
create trigger invoices_stay
    before truncate on agora.invoice
    for each statement execute function agora.refuse_change();
create trigger invoices_stay
    before truncate on agora.invoice_line
    for each statement execute function agora.refuse_change();
create trigger invoices_stay
    before truncate on agora.invoice_allocation
    for each statement execute function agora.refuse_change();

drop view agora.invoice_difference_by_project;
drop view agora.invoice_difference;
drop view agora.bill_to_invoice;

create view agora.invoiced_bill as
select distinct on (b.account_id, b.month)
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
from agora.bill as b
join agora.invoice_in_force as i using (account_id, month)
order by b.account_id, b.month, b.revision desc;

comment on view agora.invoiced_bill is
    'The bill that an invoice is held against: the newest closed revision, or the draft of a month that was never closed. Months without an invoice are left out.';
comment on column agora.invoiced_bill.account_id is 'As in bill.';
comment on column agora.invoiced_bill.month is 'As in bill.';
comment on column agora.invoiced_bill.revision is 'As in bill: 0 for the draft.';
comment on column agora.invoiced_bill.minor_unit_digits is 'As in bill.';
comment on column agora.invoiced_bill.total is 'Rated total of our bill, in the currency.';
comment on column agora.invoiced_bill.unallocated is
    'Part of the rated total that belongs to no project, in the currency.';
comment on column agora.invoiced_bill.adjustment_total is 'Sum of the adjustments of our bill, in the currency.';
comment on column agora.invoiced_bill.amount_due is 'Our rated total with its adjustments, in the currency.';
comment on column agora.invoiced_bill.import is 'Import of the invoice in force.';
comment on column agora.invoiced_bill.currency is 'ISO 4217 code of every amount.';
comment on column agora.invoiced_bill.invoice_total is 'Total of the invoice in force, in the currency.';

create view agora.invoice_difference as
with side as (
    select
        b.account_id,
        b.month,
        case when l.service = '' then l.kind else l.service end as service,
        l.media,
        l.amount as estimate,
        0.000000000000 as invoice
    from agora.invoiced_bill as b
    join agora.bill_line as l using (account_id, month, revision)
    union all
    select account_id, month, 'adjustment', '', adjustment_total, 0.000000000000
    from agora.invoiced_bill
    where adjustment_total <> 0
    union all
    select b.account_id, b.month, 'rounding', '', b.total - coalesce(sum(l.amount), 0), 0.000000000000
    from agora.invoiced_bill as b
    left join agora.bill_line as l using (account_id, month, revision)
    group by b.account_id, b.month, b.total
    union all
    select b.account_id, b.month, l.service, l.media, 0.000000000000, l.amount
    from agora.invoiced_bill as b
    join agora.invoice_line as l using (account_id, month, import)
    union all
    select b.account_id, b.month, 'rounding', '', 0.000000000000, b.invoice_total - sum(l.amount)
    from agora.invoiced_bill as b
    join agora.invoice_line as l using (account_id, month, import)
    group by b.account_id, b.month, b.invoice_total
)

select
    s.account_id,
    s.month,
    s.service,
    s.media,
    sum(s.estimate) as estimate,
    sum(s.invoice) as invoice,
    sum(s.invoice) - sum(s.estimate) as difference,
    b.currency,
    b.revision
from side as s
join agora.invoiced_bill as b using (account_id, month)
group by s.account_id, s.month, s.service, s.media, b.currency, b.revision;

comment on view agora.invoice_difference is
    'What the invoice in force has more than our bill, by service and media, in the currency; months without an invoice are left out. The rows of a month sum to invoice_total less amount_due of invoiced_bill.';
comment on column agora.invoice_difference.account_id is 'As in invoice.';
comment on column agora.invoice_difference.month is 'As in invoice.';
comment on column agora.invoice_difference.service is
    'Service; or for what is no usage package, top_up, overage, discount, commitment, adjustment, other, tax or rounding.';
comment on column agora.invoice_difference.media is 'Media; empty for what is no usage.';
comment on column agora.invoice_difference.estimate is 'Exact amount of our bill, in the currency.';
comment on column agora.invoice_difference.invoice is 'Exact amount of the invoice, in the currency.';
comment on column agora.invoice_difference.difference is 'Invoice less estimate, in the currency.';
comment on column agora.invoice_difference.currency is 'ISO 4217 code.';
comment on column agora.invoice_difference.revision is
    'Closed revision of our bill; 0: the draft of a month that was never closed.';

create view agora.invoice_difference_by_project as
with side as (
    select b.account_id, b.month, a.project_id, a.cost as estimate, 0 as invoice
    from agora.invoiced_bill as b
    join agora.bill_allocation as a using (account_id, month, revision)
    union all
    select b.account_id, b.month, j.project_id, j.cost, 0
    from agora.invoiced_bill as b
    join agora.bill_adjustment as j using (account_id, month, revision)
    union all
    select account_id, month, '', unallocated, 0
    from agora.invoiced_bill
    where unallocated <> 0
    union all
    select b.account_id, b.month, a.project_id, 0, a.cost
    from agora.invoiced_bill as b
    join agora.invoice_allocation as a using (account_id, month, import)
)

select
    s.account_id,
    s.month,
    s.project_id,
    coalesce(p.project_name, '') as project_name,
    round(sum(s.estimate), b.minor_unit_digits) as estimate,
    round(sum(s.invoice), b.minor_unit_digits) as invoice,
    round(sum(s.invoice) - sum(s.estimate), b.minor_unit_digits) as difference,
    b.currency,
    b.revision
from side as s
join agora.invoiced_bill as b using (account_id, month)
left join agora.project as p using (account_id, project_id)
group by
    s.account_id, s.month, s.project_id, p.project_name, b.currency, b.revision, b.minor_unit_digits;

comment on view agora.invoice_difference_by_project is
    'Our bill, adjustments included, and the invoice in force by project, in whole minor units; months without an invoice are left out. The rows of a month sum to amount_due and invoice_total of invoiced_bill.';
comment on column agora.invoice_difference_by_project.account_id is 'As in invoice.';
comment on column agora.invoice_difference_by_project.month is 'As in invoice.';
comment on column agora.invoice_difference_by_project.project_id is
    'Project; empty for what belongs to no project.';
comment on column agora.invoice_difference_by_project.project_name is 'Its current name.';
comment on column agora.invoice_difference_by_project.estimate is 'Its part of our bill, in the currency.';
comment on column agora.invoice_difference_by_project.invoice is 'Its part of the invoice, in the currency.';
comment on column agora.invoice_difference_by_project.difference is 'Invoice less estimate, in the currency.';
comment on column agora.invoice_difference_by_project.currency is 'ISO 4217 code.';
comment on column agora.invoice_difference_by_project.revision is
    'Closed revision of our bill; 0: the draft of a month that was never closed.';
