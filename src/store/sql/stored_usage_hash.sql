-- One number of all rows that a request for all projects covers. Every column counts,
-- so that a value that was changed by hand, or a row that is gone, is noticed.
-- $1: account, $2: first day, $3: last day, $4: service
select coalesce(bit_xor(hash_record_extended(u, 0)), 0)
from agora.usage_daily as u
where u.account_id = $1 and u.day between $2 and $3 and u.service = $4
