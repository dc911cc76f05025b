-- What an account's usage sells for, and what other plans would have cost.

create table agora.sell_allocation (
    account_id   text           not null references agora.account,
    month        date           not null check (extract(day from month) = 1),
    project_id   text           not null,
    amount       numeric(38, 6) not null,
    currency     text           not null,
    book_name    text           not null,
    book_sha256  text           not null,
    rated_at     timestamptz    not null,
    primary key (account_id, month, project_id)
);

comment on table agora.sell_allocation is
    'A month rated by the sell price book and split over its projects, as the bill is by the cost price book; the rows of a month sum to what its customer owes. Written by resale; each writing replaces the month.';
comment on column agora.sell_allocation.account_id is 'As in account.';
comment on column agora.sell_allocation.month is 'First UTC day of the calendar month.';
comment on column agora.sell_allocation.project_id is
    'Project that caused the amount; empty for what belongs to no project.';
comment on column agora.sell_allocation.amount is 'In the currency, whole minor units.';
comment on column agora.sell_allocation.currency is 'ISO 4217 code of the sell price book.';
comment on column agora.sell_allocation.book_name is 'Name of the sell price book.';
comment on column agora.sell_allocation.book_sha256 is
    'SHA-256 of the sell price book''s text in hexadecimal.';
comment on column agora.sell_allocation.rated_at is 'When it was rated.';

create view agora.project_margin_monthly as
with side as (
    select account_id, month, project_id, cost, 0::numeric as sell, currency
    from agora.project_cost_monthly
    union all
    select account_id, month, '', unallocated, 0, currency
    from agora.bill
    where revision = 0 and unallocated <> 0
    union all
    select j.account_id, j.month, '', j.cost, 0, b.currency
    from agora.bill_adjustment as j
    join agora.bill as b using (account_id, month, revision)
    where j.revision = 0 and j.project_id = ''
    union all
    select account_id, month, project_id, 0, amount, currency
    from agora.sell_allocation
)
select
    s.account_id,
    s.month,
    s.project_id,
    coalesce(p.project_name, '') as project_name,
    round(sum(s.cost), 2) as cost,
    round(sum(s.sell), 2) as sell,
    round(sum(s.sell) - sum(s.cost), 2) as margin,
    round(100 * (sum(s.sell) - sum(s.cost)) / nullif(sum(s.sell), 0), 1) as margin_percent,
    s.currency
from side as s
left join agora.project as p using (account_id, project_id)
where exists (
    select from agora.sell_allocation as a
    where
        a.account_id = s.account_id
        and a.month = s.month
        and a.currency = s.currency
)
group by s.account_id, s.month, s.project_id, p.project_name, s.currency;

comment on view agora.project_margin_monthly is
    'What each project costs and sells for, by month, in months that were rated by a sell price book of the same currency; adjustments are part of the cost.';
comment on column agora.project_margin_monthly.account_id is 'As in account.';
comment on column agora.project_margin_monthly.month is 'First UTC day of the calendar month.';
comment on column agora.project_margin_monthly.project_id is
    'Project; empty for what belongs to no project.';
comment on column agora.project_margin_monthly.project_name is 'Its current name.';
comment on column agora.project_margin_monthly.cost is
    'By the cost price book, with adjustments, from the month''s draft, in the currency.';
comment on column agora.project_margin_monthly.sell is 'By the sell price book, in the currency.';
comment on column agora.project_margin_monthly.margin is 'Sell less cost, in the currency.';
comment on column agora.project_margin_monthly.margin_percent is
    'Margin in per cent of sell, one decimal; null where nothing is sold.';
comment on column agora.project_margin_monthly.currency is 'ISO 4217 code.';

create table agora.plan_comparison (
    account_id                  text           not null references agora.account,
    rank                        integer        not null check (rank >= 1),
    first_month                 date           not null,
    last_month                  date           not null,
    plan                        text           not null,
    total                       numeric(38, 6) not null,
    low                         numeric(38, 6) not null,
    high                        numeric(38, 6) not null,
    saved                       numeric(38, 6),
    currency                    text           not null,
    is_in_force                 boolean        not null,
    prices_all_usage            boolean        not null,
    break_even_percent          integer,
    break_even_minutes_a_month  numeric(38, 0),
    compared_at                 timestamptz    not null,
    primary key (account_id, rank)
);

comment on table agora.plan_comparison is
    'What an account''s whole months would have cost under each plan, by the newest `bill compare`, cheapest first.';
comment on column agora.plan_comparison.account_id is 'As in account.';
comment on column agora.plan_comparison.rank is 'From 1 for the cheapest.';
comment on column agora.plan_comparison.first_month is 'First UTC day of the first month.';
comment on column agora.plan_comparison.last_month is 'First UTC day of the last month.';
comment on column agora.plan_comparison.plan is 'Price book, and package where there is a choice.';
comment on column agora.plan_comparison.total is 'Of all the months, in the currency.';
comment on column agora.plan_comparison.low is
    'Least total over all readings of Agora''s open rules, in the currency.';
comment on column agora.plan_comparison.high is
    'Greatest total over all readings of Agora''s open rules, in the currency.';
comment on column agora.plan_comparison.saved is
    'Less than the price books in force, in the currency; below 0: more; null where a month had none.';
comment on column agora.plan_comparison.currency is 'ISO 4217 code.';
comment on column agora.plan_comparison.is_in_force is 'Whether it held in all the months.';
comment on column agora.plan_comparison.prices_all_usage is
    'Whether it has a price for all usage; else its total is too low.';
comment on column agora.plan_comparison.break_even_percent is
    'Nearest volume, in per cent of the months'' own, at which it costs less than the cheapest; null: none was found.';
comment on column agora.plan_comparison.break_even_minutes_a_month is
    'Minutes a month at that volume, all services and media together.';
comment on column agora.plan_comparison.compared_at is 'When it was compared.';
