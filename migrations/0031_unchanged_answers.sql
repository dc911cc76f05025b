-- An answer for all projects that says what it said before, about values that nobody
-- has touched since, changes nothing: told by two hashes, without reading the values.
alter table agora.sync_request
    add column answer_sha256 bytea check (length(answer_sha256) = 32),
    add column stored_hash bigint,
    add check ((answer_sha256 is null) = (stored_hash is null));

comment on column agora.sync_request.answer_sha256 is
    'SHA-256 of what the answer says; of answers for all projects that hold usage, else null.';
comment on column agora.sync_request.stored_hash is
    'Hash of the values in usage_daily that the request covers, those of the answer included; null as answer_sha256. Made by PostgreSQL, whose versions may differ in it.';
