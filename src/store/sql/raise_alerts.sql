-- Events that are not open yet, nor told before where that is once; one that
-- another process has just raised is left as it is.
-- $1: account, $2: now, then one array a column
insert into agora.alert (
    account_id, kind, subject, state, message, details, raised_at, next_attempt_at
)
select $1, r.kind, r.subject, 'pending', r.message, r.details, $2, clock_timestamp()
from unnest($3::text[], $4::text[], $5::text[], $6::jsonb[], $7::boolean[])
    as r (kind, subject, message, details, is_told_once)
where
    not r.is_told_once
    or not exists (
        select from agora.alert as a
        where
            (a.account_id, a.kind, a.subject) = ($1, r.kind, r.subject)
            -- Another budget is another event.
            and a.details -> 'amount' is not distinct from r.details -> 'amount'
    )
order by r.kind, r.subject
on conflict (account_id, kind, subject) where resolved_at is null do nothing
returning kind, subject, message
