//! A filled lake whose exports are interrupted, and what has to hold after each.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use agora_usage::domain::AccountId;
use agora_usage::store::Store;
use agora_usage::store::leases::{self, Lease};
use agora_usage::store::occupancy::partitions;
use serde_json::Value;

use super::filled_lake::{Files, FilledLake, PARTITIONS, files_of, seen};

/// A filled lake whose channels leave the database once they may, and what a
/// reader saw last.
pub(crate) struct Watched {
    pub(crate) setup: FilledLake,
    store: Store,
    lease: Lease,
    /// Of an export that nothing disturbed.
    expected: BTreeMap<String, Value>,
    pub(crate) before: BTreeMap<String, Value>,
    changes: u32,
    /// Address of the lake that was looked at last.
    url: String,
}

impl Watched {
    pub(crate) async fn new() -> Self {
        let undisturbed = FilledLake::new().await;
        undisturbed.export().exits(0);
        let mut setup = FilledLake::new().await;
        let temporary = setup.program.folder().join("tmp");
        fs::create_dir(&temporary).expect("created");
        setup
            .program
            .set("TMPDIR", temporary.display().to_string())
            .set("AGORA_USAGE_OCCUPANCY_ARCHIVE", "true")
            .set("AGORA_USAGE_NOW", "2031-04-01T06:00:00Z");
        let store = setup.database.store().await;
        let account = AccountId::new("default").expect("name");
        let long = Duration::from_hours(1);
        let lease = leases::acquire(store.pool(), &account, "roll_up", "it", long).await;
        let lease = lease.expect("answered").expect("free");
        let expected = seen(&undisturbed.files());
        assert_eq!(expected.len(), PARTITIONS);
        Self {
            setup,
            store,
            lease,
            expected,
            before: BTreeMap::new(),
            changes: 0,
            url: String::new(),
        }
    }

    /// Changes usage and occupancy of these accounts, so that there is something to export.
    pub(crate) async fn change(&mut self, accounts: &str) {
        self.changes += 1;
        let number = self.changes;
        let statements = format!(
            "update agora.usage_daily set audio_seconds = {number}, request_id = 100 + {number} \
             where project_id = 'P1' and day = '2031-02-11' and account_id in ({accounts}); \
             insert into agora.occupancy_snapshot \
             select account_id, project_id, '2031-03-04 05:00Z'::timestamptz \
                 + {number} * interval '1 minute', 1, 1, 1, true \
             from agora.project where project_id = 'P1' and account_id in ({accounts})"
        );
        self.setup.database.execute(&statements).await;
    }

    /// What an export that nothing disturbed would have of this partition besides.
    pub(crate) fn expect_more_rows(&mut self, partition: &str, more: u64) {
        let expected = self.expected.get_mut(partition).expect("expected");
        let rows = expected["rows"].as_u64().expect("number");
        expected["rows"] = (rows + more).into();
    }

    /// Readers see what they saw, or a newer revision, whole; what is published
    /// verifies; and no day is marked as archived that the lake does not have.
    pub(crate) async fn assert_whole(&mut self, files: &Files, url: &str) {
        let now = seen(files);
        for (folder, before) in &self.before {
            let revision = before["revision"].as_u64().expect("number");
            let after = now.get(folder).unwrap_or_else(|| panic!("{folder} is gone"));
            // Two more where the export before had made the first one, but no copy of it.
            let is_newer = (revision + 1..=revision + 2).any(|newer| after["revision"] == newer);
            assert!(after == before || is_newer, "{folder}: {before} {after}");
        }
        let verify = ["lake", "verify", "--files-only", "--url", url];
        let verified = self.setup.program.run(&verify);
        if now.is_empty() && verified.exit_code == Some(1) {
            verified.says(&["is the address right?"]);
        } else {
            verified.exits(0).says(&[" 0 differences"]);
        }
        self.assert_marked(&now).await;
        self.before = now;
        url.clone_into(&mut self.url);
    }

    async fn assert_marked(&self, now: &BTreeMap<String, Value>) {
        let marked = "select day, to_char(account_bucket, 'FM00'), snapshots from agora.lake_day";
        for row in self.setup.database.rows(marked).await {
            let mut cells = row.trim_matches(['(', ')']).split(',');
            let (day, bucket) = (cells.next().expect("day"), cells.next().expect("bucket"));
            let snapshots: u64 = cells.next().and_then(|cell| cell.parse().ok()).expect("count");
            let partition = format!("day={day}/account_bucket={bucket}");
            let minutes = &now[&format!("occupancy_minute/{partition}")];
            let published = minutes["sums"]["snapshots"].as_str().and_then(|sum| sum.parse().ok());
            assert!(published >= Some(snapshots), "{partition}: {published:?} of {snapshots}");
            self.assert_channels(now, &format!("occupancy_channel/{partition}"));
        }
    }

    /// Of the days whose channels leave the database, the lake has all.
    pub(crate) async fn assert_only_archived_days_go(&self) {
        for day in self.drop_old().await {
            let folder = format!("occupancy_channel/day={day}/");
            for partition in self.expected.keys().filter(|name| name.starts_with(&folder)) {
                self.assert_channels(&self.before, partition);
            }
        }
    }

    fn assert_channels(&self, now: &BTreeMap<String, Value>, partition: &str) {
        let published = now.get(partition).unwrap_or_else(|| panic!("{partition} is not there"));
        assert_eq!(published["rows"], self.expected[partition]["rows"], "{partition}");
    }

    /// Drops the days of channels that may go; gives those that went.
    async fn drop_old(&self) -> Vec<String> {
        let first_kept = "2031-03-20".parse().expect("day");
        let (pool, lake) = (self.store.pool(), Some(self.url.as_str()));
        let dropped = partitions::drop_before(pool, &self.lease, first_kept, lake);
        dropped.await.expect("answered").dropped.iter().map(ToString::to_string).collect()
    }

    /// After all: one more export, and everything is there and nothing is left over.
    pub(crate) async fn end(mut self, url: &str, files: impl Fn() -> Files) {
        self.setup.program.run(&["lake", "export", "--to-url", url]).exits(0);
        self.assert_whole(&files(), url).await;
        self.setup.program.run(&["lake", "verify", "--url", url]).exits(0);
        assert_eq!(self.before.len(), PARTITIONS);
        self.assert_only_archived_days_go().await;
        let left = "select count(*) from agora.occupancy_channel";
        assert_eq!(self.setup.database.value(left).await, "0", "every day could go");
        let temporary = files_of(&self.setup.program.folder().join("tmp"));
        assert!(temporary.is_empty(), "{:?}", temporary.keys());
        let unfinished: Vec<String> =
            files().into_keys().filter(|name| name.contains('#')).collect();
        assert!(unfinished.is_empty(), "{unfinished:?}");
        Store::close(self.store).await;
    }
}
