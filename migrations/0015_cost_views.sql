-- Costs with adjustments, by project and by cost centre.

create or replace view agora.project_cost_monthly as
with part as (
    select a.account_id, a.month, a.project_id, a.cost
    from agora.bill_allocation as a
    where a.revision = 0
    union all
    select j.account_id, j.month, j.project_id, j.cost
    from agora.bill_adjustment as j
    where j.revision = 0 and j.project_id <> ''
)

select
    c.account_id,
    c.project_id,
    coalesce(p.project_name, '') as project_name,
    c.month,
    round(sum(c.cost), b.minor_unit_digits) as cost,
    b.currency,
    b.status as bill_status
from part as c
join agora.bill as b
    on b.account_id = c.account_id
    and b.month = c.month
    and b.revision = 0
left join agora.project as p
    on p.account_id = c.account_id
    and p.project_id = c.project_id
group by
    c.account_id, c.project_id, p.project_name, c.month,
    b.currency, b.minor_unit_digits, b.status;

comment on view agora.project_cost_monthly is
    'Cost by project and month in whole minor units, adjustments included; the rows of a month, bill.unallocated and the adjustments of no project sum to bill.amount_due.';

comment on view agora.project_cost_daily is
    'Cost of usage by project, UTC day and service, in millionths of the currency, from the drafts of the months that were reported. Adjustments have no day and are left out.';

create view agora.cost_centre_cost_monthly as
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
            and g.superseded_at is null
            and g.valid_from <= c.month
        order by g.valid_from desc
        limit 1
    ) as t on true
    union all
    select b.account_id, b.month, '(unallocated)', b.unallocated
    from agora.bill as b
    where b.revision = 0 and b.unallocated <> 0
    union all
    select j.account_id, j.month, '(unallocated)', j.cost
    from agora.bill_adjustment as j
    where j.revision = 0 and j.project_id = ''
)

select
    c.account_id,
    c.month,
    c.cost_centre,
    round(sum(c.cost), b.minor_unit_digits) as cost,
    b.currency,
    b.status as bill_status
from part as c
join agora.bill as b
    on b.account_id = c.account_id
    and b.month = c.month
    and b.revision = 0
group by
    c.account_id, c.month, c.cost_centre, b.currency, b.minor_unit_digits, b.status;

comment on view agora.cost_centre_cost_monthly is
    'Cost by cost centre and month in whole minor units, by the tags in force for the month; the rows of a month sum to bill.amount_due.';

comment on column agora.cost_centre_cost_monthly.account_id is 'As in bill.';
comment on column agora.cost_centre_cost_monthly.month is 'First UTC day of the calendar month.';
comment on column agora.cost_centre_cost_monthly.cost_centre is
    'Tag of the projects; (untagged): none; (unallocated): of no project.';
comment on column agora.cost_centre_cost_monthly.cost is
    'Costs of its projects, adjustments included, in the currency; those of a month sum to the amount due.';
comment on column agora.cost_centre_cost_monthly.currency is 'ISO 4217 code of the amounts.';
comment on column agora.cost_centre_cost_monthly.bill_status is 'As bill.status.';
