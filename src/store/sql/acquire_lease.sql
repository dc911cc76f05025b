-- $1: account, $2: name, $3: holder, $4: seconds to live
insert into agora.job_lease as l (account_id, name, holder, epoch, expires_at)
values ($1, $2, $3, 1, clock_timestamp() + make_interval(secs => $4))
on conflict (account_id, name) do update set
    holder = excluded.holder,
    epoch = l.epoch + 1,
    expires_at = excluded.expires_at
where l.expires_at <= clock_timestamp()
returning epoch
