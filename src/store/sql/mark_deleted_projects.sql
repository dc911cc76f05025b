-- $1: account, $2: listed project ids, $3: when the list was received
update agora.project
set status = 'deleted', deleted_at = $3
where
    account_id = $1
    and last_listed_at is not null
    and deleted_at is null
    and project_id <> all($2)
