-- The value that each project has for a key in a month.
-- $1: account, $2: key, $3: month, $4: time up to which they count; null: any
select distinct on (project_id)
    project_id,
    tag_value
from agora.project_tag
where
    account_id = $1
    and tag_key = $2
    and valid_from <= $3
    and ($4::timestamptz is null or recorded_at <= $4)
    and (superseded_at is null or superseded_at > $4)
order by project_id, valid_from desc, tag_id desc
