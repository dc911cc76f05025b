-- $1: account, $2: job, $3: slot, $4: holder, $5: now
insert into agora.job_run as r (account_id, job, slot, state, holder, attempt, started_at)
values ($1, $2, $3, 'running', $4, 1, $5)
on conflict (account_id, job, slot) do update set
    holder = excluded.holder,
    attempt = r.attempt + 1,
    started_at = excluded.started_at
where r.state = 'running'
