-- Cells with a value that should have been sent and was not. An empty object has
-- 8 bytes at the most and an empty list 16, one with content more: telling by
-- size takes half the time of comparing.
-- $1: account, $2: first day, $3: last day
select project_id, service, day
from agora.usage_daily
where
    account_id = $1
    and day between $2 and $3
    and (
        pg_column_size(missing_media) > 16
        or (
            pg_column_size(extra_seconds) > 8
            and jsonb_path_exists(extra_seconds, '$.* ? (@ == null)')
        )
    )
order by day, project_id, service
