-- Whether hours of a day are still to be rolled up, for any account.
-- $1: first moment of the day, $2: first moment after it
select exists (
    select
    from agora.occupancy_hour_due
    where hour >= $1 and hour < $2
)
