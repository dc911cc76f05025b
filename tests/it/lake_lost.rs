//! Lakes that are not the one of the settings, or have lost something: no channel
//! leaves the database for them, `lake verify` tells, and an export mends it.

use std::fs;

use crate::support::filled_lake::FilledLake;

const CHANNELS: &str = "select count(*) from agora.occupancy_channel";

/// Runs what is due of the daemon's jobs, as of a time after the retention.
fn run_jobs(filled: &mut FilledLake, now: &str) {
    filled.program.set("AGORA_USAGE_NOW", now);
    filled.program.run(&["daemon", "--once"]).exits(0);
}

/// A daemon that keeps channels until the lake has them, and whose job `lake` has
/// run for another lake and is not due before the next year.
fn keep_channels(filled: &mut FilledLake, accounts: &[&str]) {
    filled.work_on(accounts);
    let settings = filled.program.folder().join("agora-usage.toml");
    fs::write(settings, "[schedule]\nlake = \"0 0 0 1 1 *\"\n").expect("written");
    let other = filled.program.folder().join("other").display().to_string();
    filled.program.set("AGORA_USAGE_OCCUPANCY_ARCHIVE", "true").set("AGORA_USAGE_LAKE_URL", other);
    run_jobs(filled, "2031-03-05T06:00:00Z");
    let lake = filled.lake.display().to_string();
    filled.program.set("AGORA_USAGE_LAKE_URL", lake);
}

#[tokio::test]
async fn only_the_lake_of_the_settings_lets_channels_go() {
    let mut filled = FilledLake::new().await;
    keep_channels(&mut filled, &["default", "east", "west"]);
    let all = filled.database.value(CHANNELS).await;
    let scratch = filled.program.folder().join("scratch").display().to_string();
    let scratch_export = ["lake", "export", "--to-url", &scratch];
    filled.program.run(&scratch_export).exits(0).says(&["6 days of occupancy read back"]);
    run_jobs(&mut filled, "2031-04-01T06:30:00Z");
    assert_eq!(filled.database.value(CHANNELS).await, all, "the lake of the settings is empty");
    // Once it has them, what others have beside it takes nothing back.
    filled.export().exits(0).says(&["6 days of occupancy read back"]);
    filled.program.run(&scratch_export).exits(0).says(&["0 days of occupancy read back"]);
    run_jobs(&mut filled, "2031-04-01T07:30:00Z");
    assert_eq!(filled.database.value(CHANNELS).await, "0");
}

#[tokio::test]
async fn channels_stay_when_the_lake_has_lost_them_since() {
    let mut filled = FilledLake::new().await;
    keep_channels(&mut filled, &["default", "east", "west"]);
    let all = filled.database.value(CHANNELS).await;
    filled.export().exits(0).says(&["6 days of occupancy read back"]);
    fs::remove_dir_all(filled.lake.join("occupancy_channel")).expect("removed");
    run_jobs(&mut filled, "2031-04-01T06:30:00Z");
    assert_eq!(filled.database.value(CHANNELS).await, all, "the lake has none");
    filled.export().exits(0).says(&["6 days of occupancy read back"]);
    filled.verify().exits(0);
    run_jobs(&mut filled, "2031-04-01T07:30:00Z");
    assert_eq!(filled.database.value(CHANNELS).await, "0");
}
