create temporary table incoming_usage (like agora.usage_daily) on commit drop
