-- $1: account, $2: month, $3: import
select line_number, service, media, minutes::text as minutes, amount::text as amount
from agora.invoice_line
where account_id = $1 and month = $2 and import = $3
order by line_number
