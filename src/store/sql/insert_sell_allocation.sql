-- $1: account, $2: month, $3: projects, $4: amounts, $5: costs, $6: currency, $7: name of
-- the book, $8: its SHA-256, $9: time
insert into agora.sell_allocation (
    account_id, month, project_id, amount, cost, currency, book_name, book_sha256, rated_at
)
select $1, $2, u.project_id, u.amount::numeric, u.cost::numeric, $6, $7, $8, $9
from unnest($3::text[], $4::text[], $5::text[]) as u (project_id, amount, cost)
