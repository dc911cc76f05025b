-- $1: account, $2: month, $3: projects, $4: amounts, $5: currency, $6: name of the
-- book, $7: its SHA-256, $8: time
insert into agora.sell_allocation (
    account_id, month, project_id, amount, currency, book_name, book_sha256, rated_at
)
select $1, $2, u.project_id, u.amount::numeric, $5, $6, $7, $8
from unnest($3::text[], $4::text[]) as u (project_id, amount)
