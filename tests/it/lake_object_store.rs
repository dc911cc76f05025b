//! Exports into an object store that fails or goes silent: readers see whole
//! revisions all the time, and the next export makes up for it.

use std::process::Stdio;
use std::time::Duration;

use agora_usage::domain::AccountId;
use agora_usage::lake::layout::bucket;

use crate::support::filled_lake::Files;
use crate::support::object_server::{Asked, Fault, ObjectServer, Step};
use crate::support::watched_lake::Watched;

const EXPORT: [&str; 2] = ["lake", "export"];
const URL: &str = "s3://bucket/lake";

/// With a server that holds the lake, as far as it is exported without trouble.
async fn in_an_object_store() -> (Watched, ObjectServer) {
    let mut watched = Watched::new().await;
    let server = ObjectServer::start().await;
    watched
        .setup
        .program
        .set("AWS_ENDPOINT", server.address())
        .set("AWS_ALLOW_HTTP", "true")
        .set("AWS_ACCESS_KEY_ID", "test-id")
        .set("AWS_SECRET_ACCESS_KEY", "hush-secret")
        .set("AWS_REGION", "eu-central-1")
        .set("AGORA_USAGE_LAKE_URL", URL);
    watched.setup.export().exits(0);
    watched.assert_whole(&objects(&server), URL).await;
    (watched, server)
}

fn objects(server: &ObjectServer) -> Files {
    let below = |key: &str| key.strip_prefix("lake/").expect("below").to_owned();
    server.objects().iter().map(|(key, bytes)| (below(key), bytes.to_vec())).collect()
}

/// Each write of an export is the last one, done or not.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_killed_at_any_write_to_an_object_store_leaves_readers_on_whole_revisions() {
    let (mut watched, server) = in_an_object_store().await;
    for carried_out in [false, true] {
        for last_write in 1.. {
            watched.change("'east'").await;
            let mut writes = 0;
            server.go_wrong(Fault::Silence { carried_out }, move |asked| {
                writes += usize::from(asked.is_put());
                asked.is_put() && writes == last_write
            });
            let mut command = watched.setup.program.command(&EXPORT);
            let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            let mut child = child.expect("started");
            while server.faults_happened() == 0 && child.try_wait().expect("asked").is_none() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            child.kill().expect("killed");
            let is_killed = child.wait().expect("ended").code().is_none();
            server.recover();
            watched.assert_whole(&objects(&server), URL).await;
            if !is_killed {
                assert!(last_write > 6, "two partitions at least, three writes each");
                break;
            }
        }
    }
    watched.end(URL, || objects(&server)).await;
}

fn is_data(asked: &Asked<'_>) -> bool {
    asked.is_put() && asked.key.ends_with(".parquet")
}

fn is_revision(asked: &Asked<'_>) -> bool {
    asked.is_put() && asked.key.contains("/manifest-r")
}

fn is_copy(asked: &Asked<'_>) -> bool {
    asked.is_put() && asked.key.ends_with("/_manifest.json")
}

fn is_manifest_read(asked: &Asked<'_>) -> bool {
    !asked.is_put() && asked.key.contains("manifest")
}

/// What is exported of occupancy is read again.
fn is_read_back(asked: &Asked<'_>) -> bool {
    asked.step == Step::Get && asked.key.ends_with(".parquet")
}

type Chosen = fn(&Asked<'_>) -> bool;

#[tokio::test(flavor = "multi_thread")]
async fn an_object_store_that_fails_for_good_leaves_readers_on_whole_revisions() {
    let (mut watched, server) = in_an_object_store().await;
    let (lost, unheard) = (Fault::Cut { carried_out: false }, Fault::Cut { carried_out: true });
    let cases: [(Fault, Chosen, i32); 14] = [
        (Fault::Status(500), is_data, 1),
        (Fault::Status(403), is_data, 1),
        (Fault::Silence { carried_out: false }, is_data, 1),
        (unheard, is_data, 1),
        (Fault::Status(503), is_revision, 1),
        (lost, is_revision, 1),
        // Done but not answered: the revision is found to be there.
        (unheard, is_revision, 0),
        (Fault::Silence { carried_out: true }, is_revision, 0),
        (Fault::Status(500), is_copy, 1),
        (lost, is_copy, 1),
        (unheard, is_copy, 1),
        (Fault::Status(503), is_manifest_read, 1),
        (Fault::HalfAnswer, is_read_back, 1),
        (Fault::Status(404), is_read_back, 3),
    ];
    for (fault, chosen, exit_code) in cases {
        watched.change("'east'").await;
        if matches!(fault, Fault::Silence { .. }) {
            watched.setup.program.set("AWS_TIMEOUT", "500ms");
        }
        server.go_wrong(fault, chosen);
        let outcome = watched.setup.export().exits(exit_code);
        assert!(server.faults_happened() > 0, "{fault:?}: {outcome:?}");
        assert!(!format!("{outcome:?}").contains("hush"), "{outcome:?}");
        if exit_code == 1 {
            outcome.says(&["error: ", "s3://bucket/lake"]);
        }
        server.recover();
        watched.setup.program.unset("AWS_TIMEOUT");
        watched.assert_whole(&objects(&server), URL).await;
    }
    watched.end(URL, || objects(&server)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_store_that_fails_once_is_asked_again() {
    let (mut watched, server) = in_an_object_store().await;
    let lost = Fault::Cut { carried_out: false };
    let cases: [(Fault, Chosen); 7] = [
        (Fault::Status(503), is_data),
        (lost, is_data),
        (Fault::Status(500), is_revision),
        (Fault::Status(500), is_copy),
        (lost, is_copy),
        (Fault::Status(503), is_manifest_read),
        (lost, is_read_back),
    ];
    for (fault, chosen) in cases {
        watched.change("'east'").await;
        let mut has_failed = false;
        server.go_wrong(fault, move |asked| {
            let fails = !has_failed && chosen(asked);
            has_failed |= fails;
            fails
        });
        watched.setup.export().exits(0);
        assert_eq!(server.faults_happened(), 1, "{fault:?}");
        server.recover();
        watched.assert_whole(&objects(&server), URL).await;
    }
    watched.end(URL, || objects(&server)).await;
}

/// Enough channels of one project and day for a file that is sent in two parts;
/// their names cannot be compressed.
const MANY_CHANNELS: &str = "insert into agora.occupancy_channel \
    (account_id, project_id, channel_name, from_at, to_at, user_count) \
    select 'east', 'P1', left(encode(sha512(n::text::bytea), 'base64'), 64), \
        '2031-03-03 21:00Z', '2031-03-03 22:00Z', 1 \
    from generate_series(1, 200000) as n";

const LATE_SNAPSHOT: &str = "insert into agora.occupancy_snapshot \
    select account_id, project_id, '2031-03-03 23:59:30Z', 1, 1, 1, true \
    from agora.project where project_id = 'P1' and account_id = 'east'";

const PARTITION_IN_PARTS: &str = "occupancy_channel/day=2031-03-03/account_bucket=";

fn is_begin(asked: &Asked<'_>) -> bool {
    asked.step == Step::BeginParts
}

fn is_first_part(asked: &Asked<'_>) -> bool {
    matches!(asked.step, Step::PutPart(1, _))
}

fn is_last_part(asked: &Asked<'_>) -> bool {
    matches!(asked.step, Step::PutPart(2, _))
}

fn is_finish(asked: &Asked<'_>) -> bool {
    matches!(asked.step, Step::FinishParts(_))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_sent_in_parts_is_there_whole_or_not_at_all() {
    let (mut watched, server) = in_an_object_store().await;
    watched.setup.database.execute(MANY_CHANNELS).await;
    // A snapshot that came late makes the day one that has to be exported again.
    watched.setup.database.execute(LATE_SNAPSHOT).await;
    let of_east = |partition: &&String| {
        let account = AccountId::new("east").expect("name");
        **partition == format!("{PARTITION_IN_PARTS}{:02}", bucket(&account))
    };
    let partition = watched.before.keys().find(of_east).expect("published").clone();
    let (lost, unheard) = (Fault::Cut { carried_out: false }, Fault::Cut { carried_out: true });
    let cases: [(Fault, Chosen); 4] = [
        (Fault::Status(403), is_begin),
        (Fault::Status(403), is_first_part),
        (lost, is_last_part),
        // The object is there, under a name that no manifest has.
        (unheard, is_finish),
    ];
    for (fault, chosen) in cases {
        server.go_wrong(fault, chosen);
        watched.setup.export().exits(1).says(&["error: ", "s3://bucket/lake"]);
        assert!(server.faults_happened() > 0, "{fault:?}");
        assert_eq!(server.parts_left_over(), 0, "{fault:?}");
        server.recover();
        watched.assert_whole(&objects(&server), URL).await;
    }
    watched.expect_more_rows(&partition, 200_000);
    let mut parts = 0;
    server.go_wrong(Fault::Status(503), move |asked| {
        parts += usize::from(is_first_part(asked));
        is_first_part(asked) && parts == 1
    });
    watched.setup.export().exits(0);
    assert_eq!((server.faults_happened(), server.parts_left_over()), (1, 0));
    server.recover();
    watched.assert_whole(&objects(&server), URL).await;
    let in_parts = watched.before[&partition]["files"][0]["bytes"].as_u64().expect("number");
    assert!(in_parts > 8 * 1024 * 1024, "{in_parts} bytes go at once");
    watched.end(URL, || objects(&server)).await;
}
