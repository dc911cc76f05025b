//! `agora-usage lake`: what is published, when nothing is, and who notices a change.

use std::fs;
use std::path::{Path, PathBuf};

use agora_usage::store::Store;
use agora_usage::store::occupancy::partitions;
use serde_json::Value;

use crate::support::filled_lake::FilledLake;
use crate::support::object_server::{Fault, ObjectServer};

/// Where the lake of the questions is left for other readers; a temporary folder without it.
const LAKE_VARIABLE: &str = "AGORA_TEST_LAKE_FOLDER";

/// What PostgreSQL answers to the questions of `queries/spark`, from its views
/// where it has one. The first line of each has the names of the columns.
const ANSWERS: [(&str, &str); 5] = [
    (
        "cost_by_account_and_month",
        include_str!("../independent/lake_answers/cost_by_account_and_month.sql"),
    ),
    ("credits", include_str!("../independent/lake_answers/credits.sql")),
    ("peak_concurrency", include_str!("../independent/lake_answers/peak_concurrency.sql")),
    ("peak_by_project", include_str!("../independent/lake_answers/peak_by_project.sql")),
    ("ghost_channels", include_str!("../independent/lake_answers/ghost_channels.sql")),
];

fn manifest(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("_manifest.json")).expect("read");
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test]
async fn an_export_is_published_by_manifests_and_a_second_one_writes_nothing() {
    let filled = FilledLake::new().await;
    filled.export().exits(0).says(&["27 partitions published, 0 unchanged"]);
    let february = filled.lake.join("usage_daily/usage_month=2031-02/account_bucket=01");
    let manifest = manifest(&february);
    assert_eq!(manifest["revision"], 1);
    assert_eq!(manifest["rows"], 84);
    let sum = filled.database.value(
        "select sum(audio_seconds) from agora.usage_daily \
         where account_id = 'default' and day between '2031-02-01' and '2031-02-28'",
    );
    assert_eq!(manifest["sums"]["audio_seconds"].as_str(), Some(sum.await.as_str()));
    let before = filled.files();
    filled.export().exits(0).says(&["0 partitions published", "0 files"]);
    assert_eq!(filled.files(), before);
    filled.verify().exits(0).says(&[
        "27 partitions with 27 manifests",
        "27 held against",
        "0 diff",
    ]);
    let listed = filled.program.run(&["lake", "files", "cost_daily"]).exits(0).stdout;
    assert_eq!(listed.lines().count(), 6);
    assert!(listed.lines().all(|path| Path::new(path).is_file()), "{listed}");
}

#[tokio::test]
async fn a_change_adds_a_revision_and_leaves_the_earlier_one_as_it_was() {
    let filled = FilledLake::new().await;
    filled.export().exits(0);
    let before = filled.files();
    filled
        .database
        .execute(
            "update agora.usage_daily set audio_seconds = 5, request_id = 2 \
             where account_id = 'default' and project_id = 'P1' and day = '2031-02-11'",
        )
        .await;
    filled.verify().exits(1).says(&["usage_month=2031-02/account_bucket=01: audio_seconds is"]);
    filled.export().exits(0).says(&["1 partitions published", "1 files with 84 rows"]);
    let after = filled.files();
    let folder = "usage_daily/usage_month=2031-02/account_bucket=01";
    for (path, content) in &before {
        let is_pointer = *path == format!("{folder}/_manifest.json");
        assert!(is_pointer || after.get(path) == Some(content), "{path}");
    }
    assert_eq!(after.len(), before.len() + 2);
    assert_eq!(manifest(&filled.lake.join(folder))["revision"], 2);
    filled.verify().exits(0);
    // A request that brought the same value is no change.
    filled
        .database
        .execute("update agora.bill set rated_at = '2031-03-05 05:00Z' where account_id = 'east'")
        .await;
    filled.export().exits(0).says(&["0 partitions published"]);
    assert_eq!(filled.files(), after);
}

#[tokio::test]
async fn what_was_touched_or_is_gone_is_told() {
    let filled = FilledLake::new().await;
    filled.export().exits(0);
    let listed = filled.program.run(&["lake", "files", "usage_daily"]).exits(0).stdout;
    let paths: Vec<&Path> = listed.lines().map(Path::new).collect();
    let mut bytes = fs::read(paths[0]).expect("read");
    bytes[100] ^= 1;
    fs::write(paths[0], bytes).expect("written");
    fs::remove_file(paths[1]).expect("removed");
    let pointer = paths[2].with_file_name("_manifest.json");
    fs::remove_file(&pointer).expect("removed");
    let said = ["its bytes are not", "the file is gone", "readers do not see revision 1 yet"];
    filled.verify().exits(1).says(&said).says(&["3 differences"]);
    let files_only = filled.program.run(&["lake", "verify", "--files-only"]);
    files_only.exits(1).says(&said).says(&["2 differences"]);
    // A writer that stopped before its last step is made up for, and nothing else is touched.
    filled.export().exits(0).says(&["0 partitions published"]);
    assert!(pointer.is_file());
    filled.verify().exits(1).says(&["2 differences"]);
}

#[tokio::test]
async fn a_day_that_was_archived_has_to_be_there() {
    let filled = FilledLake::new().await;
    filled.export().exits(0);
    let day = filled.lake.join("occupancy_minute/day=2031-03-03/account_bucket=01");
    fs::remove_dir_all(day).expect("removed");
    let lost = "occupancy_minute/day=2031-03-03/account_bucket=01: it was archived, and is gone";
    filled.verify().exits(1).says(&[lost, "1 differences"]);
}

#[tokio::test]
async fn a_lake_that_is_not_there_is_no_lake_without_differences() {
    let filled = FilledLake::new().await;
    let missing = filled.program.folder().join("mistyped");
    let url = missing.display().to_string();
    for arguments in [&["lake", "verify"][..], &["lake", "files", "cost_daily"]] {
        let refused = filled.program.run(&[arguments, &["--url", &url]].concat()).exits(1);
        refused.says(&["mistyped: the folder does not exist", "is the address right?"]);
    }
    assert!(!missing.exists(), "who reads makes no folder");
    fs::create_dir(&missing).expect("created");
    let empty = filled.program.run(&["lake", "verify", "--url", &url]).exits(1);
    empty.says(&["nothing is published in", "is the address right?"]);
}

#[tokio::test]
async fn the_range_and_the_account_choose_partitions() {
    let filled = FilledLake::new().await;
    let export =
        |arguments: &[&str]| filled.program.run(&[&["lake", "export"], arguments].concat());
    export(&["--month", "2031-01", "--account", "east"]).exits(0).says(&["2 partitions published"]);
    export(&["--from", "2031-03-03", "--to", "2031-03-03", "--account", "west"])
        .exits(0)
        .says(&["3 partitions published"]);
    export(&["--account", "nobody"]).exits(1).says(&["nothing is stored for account 'nobody'"]);
    export(&["--to-url", "s3://id:hush@bucket/x"]).exits(78).says(&["in the environment"]);
    export(&["--month", "2031-01", "--from", "2031-01-01", "--to", "2031-01-02"]).exits(2);
}

#[tokio::test]
async fn channels_leave_the_database_only_once_the_lake_has_them() {
    let mut filled = FilledLake::new().await;
    filled
        .program
        .set("AGORA_USAGE_OCCUPANCY_ARCHIVE", "true")
        .set("AGORA_USAGE_NOW", "2031-04-01T06:00:00Z");
    let store = filled.database.store().await;
    let account = agora_usage::domain::AccountId::new("default").expect("name");
    let long = std::time::Duration::from_hours(1);
    let lease = agora_usage::store::leases::acquire(store.pool(), &account, "roll_up", "it", long);
    let lease = lease.await.expect("answered").expect("free");
    let first_kept = "2031-03-20".parse().expect("day");
    let folder = filled.lake.display().to_string();
    let drop_old = || partitions::drop_before(store.pool(), &lease, first_kept, Some(&folder));
    assert_eq!(drop_old().await.expect("asked").kept.len(), 2);
    // One bucket alone is not all there is of a day.
    filled.program.run(&["lake", "export", "--account", "east"]).exits(0);
    assert_eq!(drop_old().await.expect("asked").kept.len(), 2);
    filled.export().exits(0).says(&["4 days of occupancy read back"]);
    // A snapshot that came after the export.
    let late = "insert into agora.occupancy_snapshot select account_id, project_id, \
                '2031-03-04 05:01Z', 1, 1, 1, true from agora.project \
                where account_id = 'west' and project_id = 'P1'";
    filled.database.execute(late).await;
    assert_eq!(drop_old().await.expect("asked").kept.len(), 1);
    filled.export().exits(0).says(&["1 days of occupancy read back"]);
    assert_eq!(drop_old().await.expect("asked").kept.len(), 0);
    // What the lake has of those days stays, although the database has it no more.
    let before = filled.files();
    let range = ["lake", "export", "--from", "2031-03-01", "--to", "2031-03-31"];
    filled.program.run(&range).exits(0).says(&["0 partitions published"]);
    assert_eq!(filled.files(), before);
    filled.verify().exits(0);
    Store::close(store).await;
}

#[tokio::test]
async fn dropping_a_day_changes_nothing_of_the_next_one() {
    let filled = FilledLake::new().await;
    filled.export().exits(0);
    let store = filled.database.store().await;
    let account = agora_usage::domain::AccountId::new("default").expect("name");
    let long = std::time::Duration::from_hours(1);
    let lease = agora_usage::store::leases::acquire(store.pool(), &account, "roll_up", "it", long);
    let lease = lease.await.expect("answered").expect("free");
    let first_kept = "2031-03-04".parse().expect("day");
    let dropped = partitions::drop_before(store.pool(), &lease, first_kept, None).await;
    assert_eq!(dropped.expect("dropped").dropped.len(), 1);
    filled.verify().exits(0);
    Store::close(store).await;
}

#[tokio::test]
async fn the_job_writes_what_is_new_where_there_is_a_lake() {
    let mut filled = FilledLake::new().await;
    filled.work_on(&["default", "east", "west"]);
    filled.program.run(&["daemon", "--once"]).exits(0);
    let states = "select account_id, state, figures ->> 'days_verified' from agora.job_run \
                  where job = 'lake' order by account_id";
    let rows = filled.database.rows(states).await;
    assert_eq!(rows, ["(default,done,2)", "(east,done,2)", "(west,done,2)"]);
    filled.verify().exits(0);
    // Without a lake there is nothing to do, and nothing that could be late.
    filled.program.unset("AGORA_USAGE_LAKE_URL").set("AGORA_USAGE_NOW", "2031-03-06T06:00:00Z");
    filled.program.run(&["daemon", "--once"]).exits(0);
    assert_eq!(filled.database.rows(states).await.len(), 3);
    filled.program.set("AGORA_USAGE_OCCUPANCY_ARCHIVE", "true");
    filled.program.run(&["daemon", "--once"]).exits(78).says(&["needs a lake_url"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_store_holds_the_same_lake() {
    let mut filled = FilledLake::new().await;
    filled.export().exits(0);
    let server = ObjectServer::start().await;
    filled
        .program
        .set("AWS_ENDPOINT", server.address())
        .set("AWS_ALLOW_HTTP", "true")
        .set("AWS_ACCESS_KEY_ID", "test-id")
        .set("AWS_SECRET_ACCESS_KEY", "hush-secret")
        .set("AWS_REGION", "eu-central-1");
    let url = "s3://bucket/some/lake";
    let exported = filled.program.run(&["lake", "export", "--to-url", url, "-v"]).exits(0);
    assert!(!format!("{exported:?}").contains("hush"), "{exported:?}");
    filled.program.run(&["lake", "export", "--to-url", url]).exits(0).says(&["0 partitions pub"]);
    let verified = filled.program.run(&["lake", "verify", "--url", url]).exits(0);
    verified.says(&["27 held against", "0 differences, in s3://bucket/some/lake"]);
    let remote: Vec<String> =
        server.objects().keys().map(|key| key.replace("some/lake/", "")).collect();
    assert!(remote.iter().eq(filled.files().keys()), "{remote:?}");
    assert!(server.signed(), "every request is signed");
    filled.program.unset("AWS_SECRET_ACCESS_KEY").set("AWS_SECRET_ACCESS_KEY", "wrong");
    server.go_wrong(Fault::Status(403), |_| true);
    let refused = filled.program.run(&["lake", "verify", "--url", url]).exits(1);
    assert!(!format!("{refused:?}").contains("wrong"), "{refused:?}");
}

/// Leaves lake and answers where `AGORA_TEST_LAKE_FOLDER` says, for the readers
/// that are not our own code.
#[tokio::test]
async fn the_lake_of_the_questions_is_made_with_the_answers_of_the_views() {
    let mut filled = FilledLake::new().await;
    if let Some(folder) = std::env::var_os(LAKE_VARIABLE).map(PathBuf::from) {
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("removed");
        }
        filled.lake = folder.join("lake");
        filled.program.set("AGORA_USAGE_LAKE_URL", filled.lake.display().to_string());
    }
    filled.export().exits(0);
    let answers = filled.lake.with_file_name("answers");
    fs::create_dir_all(&answers).expect("created");
    for (question, statement) in ANSWERS {
        let (header, query) = statement.split_once('\n').expect("a first line");
        let header = header.trim_start_matches("-- ");
        let rows = filled.database.rows(query).await;
        assert!(!rows.is_empty(), "{question} has an answer");
        let lines = rows.iter().map(|row| row[1..row.len() - 1].replace("\\\"", "\"\""));
        let text = [header.to_owned()].into_iter().chain(lines).collect::<Vec<_>>().join("\n");
        fs::write(answers.join(format!("{question}.csv")), text + "\n").expect("written");
    }
    // A second revision beside the first: readers must not take both.
    filled.database.execute("update agora.usage_daily set audio_seconds = 6, request_id = 3 where day = '2031-02-12'").await;
    filled.export().exits(0).says(&["3 partitions published"]);
}
