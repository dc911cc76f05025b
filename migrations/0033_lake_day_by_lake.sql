-- Which days of occupancy are safely in which lake. So far a day was written down once, for
-- the lake that it was exported to last, be it a folder to try something out.
alter table agora.lake_day
    drop constraint lake_day_pkey,
    add primary key (lake, day, account_bucket),
    add column channel_rows bigint check (channel_rows >= 0);

comment on table agora.lake_day is
    'Days of occupancy that were exported to a lake and read back from there, by lake and bucket of accounts. Where occupancy_archive is set, a day of occupancy_channel is dropped only when every bucket with snapshots is listed for the lake of the settings with as many as there are. Written by lake export and the job lake; roll_up takes out what the lake has lost.';
comment on column agora.lake_day.lake is 'Address of the lake, without credentials. Other lakes count for nothing there.';
comment on column agora.lake_day.channel_rows is
    'Rows that the lake has of occupancy_channel for the day and bucket; null where the day was exported before this was written down.';
