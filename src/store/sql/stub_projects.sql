-- Projects that are known from usage alone.
-- $1: account; then one array a column: project, time of the answer with its usage
insert into agora.project (
    account_id, project_id, project_name, status, has_certificate, first_seen_at
)
select $1, i.project_id, '', 'unknown', false, i.observed_at
from unnest($2::text[], $3::timestamptz[]) as i (project_id, observed_at)
where not exists (
    select
    from agora.project as p
    where p.account_id = $1 and p.project_id = i.project_id
)
order by i.project_id
on conflict (account_id, project_id) do nothing
