-- Costs of some accounts in a range of months, from the bill in force: the
-- newest closed one, else the draft. Money that belongs to no project has an
-- empty project and service, and the first day of its month. What a project has of
-- the month's adjustments has the service 'adjustment' and the last day, as in a
-- report of days; so the rows of a month sum to what is due.
-- $1: accounts, $2: first day, $3: first day after the range; whole months
with bill_in_force as (
    select distinct on (b.account_id, b.month) b.*
    from agora.bill as b
    where b.account_id = any($1) and b.month >= $2 and b.month < $3
    order by b.account_id, b.month, b.revision desc
),

cost as (
    select
        a.account_id,
        a.project_id,
        a.day,
        a.service,
        a.audio_cost,
        a.sd_cost,
        a.hd_cost,
        a.hdp_cost,
        a.full_hd_cost,
        a.video_2k_cost,
        a.video_2k_plus_cost,
        a.cost,
        b.currency,
        b.status,
        b.revision
    from bill_in_force as b
    join agora.bill_allocation as a using (account_id, month, revision)
    union all
    select
        b.account_id,
        '' as project_id,
        b.month as day,
        '' as service,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        b.unallocated as cost,
        b.currency,
        b.status,
        b.revision
    from bill_in_force as b
    where b.unallocated <> 0
    union all
    select
        b.account_id,
        a.project_id,
        (b.month + interval '1 month' - interval '1 day')::date as day,
        'adjustment' as service,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        sum(a.cost) as cost,
        b.currency,
        b.status,
        b.revision
    from bill_in_force as b
    join agora.bill_adjustment as a using (account_id, month, revision)
    group by b.account_id, b.month, b.revision, b.currency, b.status, a.project_id
    having sum(a.cost) <> 0
)

select
    c.account_id,
    c.project_id,
    c.day,
    c.service,
    c.audio_cost::text,
    c.sd_cost::text,
    c.hd_cost::text,
    c.hdp_cost::text,
    c.full_hd_cost::text,
    c.video_2k_cost::text,
    c.video_2k_plus_cost::text,
    c.cost::text,
    c.currency,
    c.status,
    c.revision::bigint
from cost as c
order by c.account_id collate "C", c.project_id collate "C", c.day, c.service collate "C"
