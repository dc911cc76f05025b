-- Figures of a bill: what each is about, and its value as text.
-- $1: account, $2: month, $3: revision
select
    f.name,
    f.value
from agora.bill as b
cross join lateral (
    values
        ('status', b.status),
        ('currency', b.currency),
        ('exact total', b.exact_total::text),
        ('rated total', b.total::text),
        ('unallocated', b.unallocated::text),
        ('adjustment total', b.adjustment_total::text),
        ('price book', b.book_name || ' ' || b.book_sha256)
) as f (name, value)
where b.account_id = $1 and b.month = $2 and b.revision = $3
