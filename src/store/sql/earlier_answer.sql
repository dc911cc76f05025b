-- What the newest request for the same days of all projects has left, if it was
-- answered the same: the hash of the rows that it covered, and the days not listed.
-- $1: account, $2: endpoint, $3: service, $4: first day, $5: last day, $6: SHA-256 of the answer
select earlier.stored_hash, earlier.contradicted_days
from (
    select r.answer_sha256, r.stored_hash, r.contradicted_days
    from agora.sync_request as r
    where
        r.account_id = $1
        and r.endpoint = $2
        and r.service = $3
        and r.from_day = $4
        and r.to_day = $5
        and r.project_id is null
        and r.answer_sha256 is not null
    order by r.request_id desc
    limit 1
) as earlier
where earlier.answer_sha256 = $6
