-- $1: account, $2: month, $3: import, then one array a column
insert into agora.invoice_line (
    account_id, month, import, line_number, service, media, minutes, amount
)
select $1, $2, $3, line_number, service, media, minutes::numeric, amount::numeric
from unnest($4::integer[], $5::text[], $6::text[], $7::text[], $8::text[])
    as r (line_number, service, media, minutes, amount)
