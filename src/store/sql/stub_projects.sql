-- Projects that are known from usage alone.
-- $1: account
insert into agora.project (
    account_id, project_id, project_name, status, has_certificate, first_seen_at
)
select $1, i.project_id, '', 'unknown', false, min(i.observed_at)
from incoming_usage as i
where not exists (
    select
    from agora.project as p
    where p.account_id = $1 and p.project_id = i.project_id
)
group by i.project_id
order by i.project_id
on conflict (account_id, project_id) do nothing
