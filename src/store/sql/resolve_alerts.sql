-- Ends events, and has the end told of those whose beginning was: a hole that
-- no longer expires is told by the end of the hole itself.
-- $1: account, $2: now, $3: numbers of the events, $4: of those that end untold
with ended as (
    update agora.alert
    set
        resolved_at = $2,
        state = case when sent_at is null then state else 'resolved' end
    where account_id = $1 and alert_id = any($3 || $4) and resolved_at is null
    returning alert_id, kind, subject, message, raised_at, sent_at
),

told as (
    insert into agora.alert (
        account_id, kind, subject, state, message, details,
        raised_at, resolved_at, next_attempt_at
    )
    select
        $1,
        'recovered',
        e.kind || '/' || e.subject,
        'pending',
        e.message,
        jsonb_build_object('kind', e.kind, 'subject', e.subject, 'raised_at', e.raised_at),
        $2,
        $2,
        clock_timestamp()
    from ended as e
    where e.sent_at is not null and e.kind <> 'expiring' and not e.alert_id = any($4)
)

select e.kind, e.subject, e.message
from ended as e
order by e.kind, e.subject
