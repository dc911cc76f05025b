//! Lakes that are not the one of the settings, or have lost something: no channel
//! leaves the database for them, `lake verify` tells, and an export mends it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::filled_lake::{FilledLake, seen};

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

/// Names of a dataset's partitions of which `lake verify` has to tell.
fn remove(filled: &FilledLake, folder: &str) -> Vec<String> {
    let of_folder = |path: &String| path.starts_with(&format!("{folder}/"));
    let lost = filled.files().into_keys().filter(of_folder);
    let lost = lost.filter_map(|path| Some(path.strip_suffix("/_manifest.json")?.to_owned()));
    let lost = lost.collect();
    fs::remove_dir_all(filled.lake.join(folder)).expect("removed");
    lost
}

#[tokio::test]
async fn whole_folders_that_are_gone_are_told_and_exported_again() {
    let filled = FilledLake::new().await;
    filled.export().exits(0).says(&["27 partitions published"]);
    let whole = filled.files().len();
    for (folder, partitions) in [
        ("occupancy_channel", 6),
        ("occupancy_minute/day=2031-03-04", 3),
        ("cost_daily/usage_month=2031-02", 3),
        ("cost_daily", 6),
        ("usage_daily", 9),
    ] {
        let lost = remove(&filled, folder);
        assert_eq!(lost.len(), partitions, "{folder}");
        let mut verified = filled.verify().exits(1);
        for lost in lost {
            verified = verified.says(&[&format!("{lost}: it ")]);
        }
        verified.says(&[&format!("{partitions} differences")]);
        filled.export().exits(0).says(&[&format!("{partitions} partitions published")]);
        filled.verify().exits(0);
        assert_eq!(filled.files().len(), whole, "{folder}");
    }
    fs::remove_dir_all(&filled.lake).expect("removed");
    filled.export().exits(0).says(&["27 partitions published", "6 days of occupancy read back"]);
    filled.verify().exits(0);
}

#[tokio::test]
async fn a_day_without_channels_is_published_so_that_its_loss_is_told() {
    let filled = FilledLake::new().await;
    filled.database.execute("delete from agora.occupancy_channel where account_id = 'west'").await;
    filled.export().exits(0).says(&["27 partitions published"]);
    let listed = filled.program.run(&["lake", "files", "occupancy_channel"]).exits(0).stdout;
    assert_eq!(listed.lines().count(), 4);
    filled.verify().exits(0);
    let lost = "occupancy_channel/day=2031-03-03/account_bucket=00";
    remove(&filled, lost);
    filled.verify().exits(1).says(&[&format!("{lost}: it was archived, and is gone")]);
}

#[tokio::test]
async fn who_exports_ranges_alone_is_told_what_is_not_published_unless_files_only() {
    let filled = FilledLake::new().await;
    filled.program.run(&["lake", "export", "--month", "2031-02"]).exits(0);
    let told = "usage_daily/usage_month=2031-01/account_bucket=01: it is not published yet";
    let verified = filled.verify().exits(1).says(&[told, "21 differences"]);
    verified.says(&["occupancy_minute/day=2031-03-04/account_bucket=11: it is not published yet"]);
    filled.program.run(&["lake", "verify", "--files-only"]).exits(0).says(&[" 0 differences"]);
}

const FEBRUARY: &str = "usage_daily/usage_month=2031-02/account_bucket=01";

const CHANNELS_OF_A_DAY: &str = "occupancy_channel/day=2031-03-03/account_bucket=11";

/// The one data file in force of a partition.
fn data_file(filled: &FilledLake, partition: &str) -> PathBuf {
    let text = fs::read_to_string(filled.lake.join(partition).join("_manifest.json"));
    let manifest: Value = serde_json::from_str(&text.expect("read")).expect("JSON");
    assert_eq!(manifest["files"].as_array().map(Vec::len), Some(1), "{partition}");
    filled.lake.join(partition).join(manifest["files"][0]["name"].as_str().expect("name"))
}

#[tokio::test]
async fn an_export_again_writes_anew_what_is_gone_or_was_changed() {
    let filled = FilledLake::new().await;
    filled.export().exits(0);
    let again = || filled.program.run(&["lake", "export", "--again"]).exits(0);
    again().says(&["0 partitions published, 27 unchanged; 0 files"]);
    let change = |path: &Path| {
        let mut bytes = fs::read(path).expect("read");
        bytes[100] ^= 1;
        fs::write(path, bytes).expect("written");
    };
    let remove = |path: &Path| fs::remove_file(path).expect("removed");
    let garbage = |path: &Path| fs::write(path, "garbage\n").expect("written");
    let harms: [(&str, &dyn Fn()); 6] = [
        ("the file is gone", &|| remove(&data_file(&filled, FEBRUARY))),
        ("its bytes are not", &|| change(&data_file(&filled, FEBRUARY))),
        ("this revision is gone", &|| remove(&filled.lake.join(FEBRUARY).join("manifest-r2.json"))),
        ("this is no manifest", &|| garbage(&filled.lake.join(FEBRUARY).join("manifest-r3.json"))),
        ("this is no manifest", &|| garbage(&filled.lake.join(FEBRUARY).join("manifest-r5.json"))),
        ("its bytes are not", &|| change(&data_file(&filled, CHANNELS_OF_A_DAY))),
    ];
    for (told, harm) in harms {
        harm();
        filled.verify().exits(1).says(&[told, "with --again"]);
        again().says(&["1 partitions published"]);
        filled.verify().exits(0);
        seen(&filled.files());
    }
    again().says(&["0 partitions published"]);
    // Nothing that was published and is whole was touched.
    assert!(filled.lake.join(FEBRUARY).join("manifest-r6.json").is_file());
    filled.export().exits(0).says(&["0 partitions published"]);
}

#[tokio::test]
async fn a_file_of_a_day_that_is_gone_comes_back_with_the_next_export() {
    let filled = FilledLake::new().await;
    filled.export().exits(0);
    fs::remove_file(data_file(&filled, CHANNELS_OF_A_DAY)).expect("removed");
    filled.verify().exits(1).says(&["the file is gone", "1 differences"]);
    filled.export().exits(0).says(&["1 partitions published", "1 days of occupancy read back"]);
    filled.verify().exits(0);
}

#[tokio::test]
async fn a_copy_that_somebody_spoiled_stops_nobody_and_is_mended() {
    let filled = FilledLake::new().await;
    filled.export().exits(0);
    let before = filled.files();
    let list = |dataset| filled.program.run(&["lake", "files", dataset]).exits(0).stdout;
    let listed = [list("usage_daily"), list("occupancy_channel")];
    for text in ["garbage\n", "", "{}"] {
        for partition in [FEBRUARY, CHANNELS_OF_A_DAY] {
            fs::write(filled.lake.join(partition).join("_manifest.json"), text).expect("written");
        }
        filled.verify().exits(1).says(&["it is no copy of manifest-r1.json", "2 differences"]);
        assert_eq!([list("usage_daily"), list("occupancy_channel")], listed);
        filled.export().exits(0).says(&["0 partitions published"]);
        assert_eq!(filled.files(), before);
    }
    for revision in [0, 2, 7, u32::MAX] {
        for partition in [FEBRUARY, CHANNELS_OF_A_DAY] {
            let path = filled.lake.join(partition).join("_manifest.json");
            let said = format!("\"revision\": {revision},");
            let text = fs::read_to_string(&path).expect("read");
            fs::write(path, text.replace("\"revision\": 1,", &said)).expect("written");
        }
        filled.verify().exits(1).says(&["2 differences"]);
        filled.export().exits(0).says(&["0 partitions published"]);
        assert_eq!(filled.files(), before);
    }
    filled.verify().exits(0);
}

#[tokio::test]
async fn an_account_that_was_taken_out_of_the_settings_keeps_nobodys_channels() {
    let mut filled = FilledLake::new().await;
    filled.work_on(&["default", "west"]);
    filled.program.set("AGORA_USAGE_OCCUPANCY_ARCHIVE", "true");
    run_jobs(&mut filled, "2031-04-01T06:30:00Z");
    let days = "select account_id, figures ->> 'days_verified' from agora.job_run \
                where job = 'lake' order by account_id";
    assert_eq!(filled.database.rows(days).await, ["(default,4)", "(west,2)"]);
    filled.verify().exits(0);
    run_jobs(&mut filled, "2031-04-01T07:30:00Z");
    assert_eq!(filled.database.value(CHANNELS).await, "0");
}
