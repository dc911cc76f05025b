-- $1: account, $2: job, $3: slot that begins, $4: now
-- The newest earlier run that was not left out: the ones before it were ended
-- when it began, so that the key alone finds it.
update agora.job_run as r set
    state = 'failed',
    finished_at = $4,
    message = 'the process ended before the run did'
where r.account_id = $1 and r.job = $2 and r.state = 'running'
    and r.slot = (
        select e.slot from agora.job_run as e
        where e.account_id = $1 and e.job = $2 and e.slot < $3 and e.state <> 'skipped'
        order by e.slot desc
        limit 1
    )
