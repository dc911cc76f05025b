create temporary table incoming_usage (
    project_id             text        not null,
    service                text        not null,
    day                    date        not null,
    source                 text        not null,
    audio_seconds          bigint,
    sd_seconds             bigint,
    hd_seconds             bigint,
    hdp_seconds            bigint,
    full_hd_seconds        bigint,
    video_2k_seconds       bigint,
    video_2k_plus_seconds  bigint,
    extra_seconds          jsonb       not null,
    missing_media          text[]      not null,
    observed_at            timestamptz not null,
    request_id             bigint      not null
) on commit drop
