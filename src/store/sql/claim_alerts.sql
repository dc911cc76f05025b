-- Takes pending events to tell them. The next attempt is set before this one is
-- made, so that an event is told again when its teller dies, and by nobody else
-- at the same time.
-- $1: most events, $2: first wait in seconds, $3: longest wait in seconds
with due as (
    select d.account_id, d.alert_id
    from agora.alert as d
    where d.state = 'pending' and d.next_attempt_at <= clock_timestamp()
    order by d.next_attempt_at, d.account_id, d.alert_id
    limit $1
    for update skip locked
)

update agora.alert as a
set
    attempts = a.attempts + 1,
    next_attempt_at = clock_timestamp()
    + make_interval(secs => least($2 * power(2, least(a.attempts, 30)), $3))
from due
where a.account_id = due.account_id and a.alert_id = due.alert_id
returning
    a.account_id, a.alert_id, a.kind, a.subject, a.message, a.details,
    a.raised_at, a.resolved_at, a.attempts
