-- A margin is before tax, and its cost that of the bill it was told from.

alter table agora.sell_allocation add column cost numeric(38, 6);

comment on table agora.sell_allocation is
    'A month on both sides, before tax, split over its projects: by the sell price book, and as the platform charges it. Written by resale; each writing replaces the month.';
comment on column agora.sell_allocation.amount is
    'By the sell price book, before tax, in the currency, whole minor units.';
comment on column agora.sell_allocation.cost is
    'Its part of the newest closed bill, or of the month as it was rated then, with adjustments, before tax, in the currency, whole minor units; null: written before it was kept.';

create or replace view agora.project_margin_monthly as
select
    s.account_id,
    s.month,
    s.project_id,
    coalesce(p.project_name, '') as project_name,
    round(s.cost, 2) as cost,
    round(s.amount, 2) as sell,
    round(s.amount - s.cost, 2) as margin,
    round(100 * (s.amount - s.cost) / nullif(s.amount, 0), 1) as margin_percent,
    s.currency
from agora.sell_allocation as s
left join agora.project as p using (account_id, project_id)
where s.cost is not null;

comment on view agora.project_margin_monthly is
    'What each project costs and sells for, by month, before tax, in months that resale margin or resale statement rated; adjustments are part of the cost.';
comment on column agora.project_margin_monthly.cost is
    'By the newest closed bill, or the month as it was rated then, with adjustments, before tax, in the currency.';
comment on column agora.project_margin_monthly.sell is
    'By the sell price book, before tax, in the currency.';
