//! Where things are in the lake: datasets, partitions, buckets, names of files.
//!
//! ```text
//! usage_daily/usage_month=2026-10/account_bucket=07/
//!     _manifest.json  manifest-r1.json  r1-0000-<hash>.parquet
//! occupancy_minute/day=2026-10-31/account_bucket=07/
//! ```

use std::fmt;

use chrono::NaiveDate;
use sha2::{Digest, Sha256};

use super::dataset::Dataset;
use crate::domain::{AccountId, DateRange, Month};

/// Number of buckets; part of the layout, so it never changes.
pub const BUCKETS: u8 = 16;

/// Name of the copy of the newest manifest.
pub const CURRENT_MANIFEST: &str = "_manifest.json";

/// Bucket of an account: the first eight hexadecimal digits of the SHA-256 of
/// its name in UTF-8, as a number, modulo 16. In SQL of PostgreSQL:
/// `agora.account_bucket(account_id)`; of Spark:
/// `conv(substr(sha2(account_id, 256), 1, 8), 16, 10) % 16`.
#[must_use]
pub fn bucket(account: &AccountId) -> u8 {
    let hash = Sha256::digest(account.as_str().as_bytes());
    // Sixteen divides 256: of the eight digits the last one alone decides.
    hash[3] % BUCKETS
}

/// The time that a partition covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    /// A calendar month.
    Month(Month),
    /// A UTC day.
    Day(NaiveDate),
}

impl Period {
    /// Its days.
    #[must_use]
    pub fn days(self) -> DateRange {
        match self {
            Self::Month(month) => month.days(),
            Self::Day(day) => DateRange::single(day),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Month(month) => write!(f, "{month}"),
            Self::Day(day) => write!(f, "{day}"),
        }
    }
}

/// One folder of files that are published together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Partition {
    /// What the rows are.
    pub dataset: Dataset,
    /// Which time they are of.
    pub period: Period,
    /// Which accounts they are of, 0 to 15.
    pub account_bucket: u8,
}

impl Partition {
    /// Its folder, without a slash at the end.
    #[must_use]
    pub fn folder(&self) -> String {
        let (dataset, key) = (self.dataset.name(), self.dataset.period_key());
        format!("{dataset}/{key}={}/account_bucket={:02}", self.period, self.account_bucket)
    }

    /// The partition of a folder as [`Partition::folder`] writes it.
    #[must_use]
    pub fn of_folder(folder: &str) -> Option<Self> {
        let mut parts = folder.split('/');
        let dataset = Dataset::from_name(parts.next()?)?;
        let period = parts.next()?.strip_prefix(dataset.period_key())?.strip_prefix('=')?;
        let account_bucket = parts.next()?.strip_prefix("account_bucket=")?.parse().ok()?;
        let period = if dataset.is_monthly() {
            Period::Month(Month::parse(period).ok()?)
        } else {
            Period::Day(period.parse().ok()?)
        };
        let partition = Self { dataset, period, account_bucket };
        (partition.folder() == folder && account_bucket < BUCKETS).then_some(partition)
    }

    /// Path of a file of it.
    #[must_use]
    pub fn path(&self, file_name: &str) -> String {
        format!("{}/{file_name}", self.folder())
    }
}

/// Name of the manifest of a revision.
#[must_use]
pub fn manifest_name(revision: u32) -> String {
    format!("manifest-r{revision}.json")
}

/// Revision of a manifest's name; none for any other file.
#[must_use]
pub fn revision_of(file_name: &str) -> Option<u32> {
    file_name.strip_prefix("manifest-r")?.strip_suffix(".json")?.parse().ok()
}

/// Name of a data file. With its hash in it, so that two writers never put
/// different bytes under one name.
#[must_use]
pub fn data_file_name(revision: u32, part: usize, sha256: &str) -> String {
    format!("r{revision}-{part:04}-{}.parquet", sha256.get(..16).unwrap_or(sha256))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_is_that_of_the_documented_rule() {
        for name in ["default", "east", "a-1", "0042", "customer_7"] {
            let hash = format!("{:x}", Sha256::digest(name.as_bytes()));
            let number = u32::from_str_radix(&hash[..8], 16).expect("digits");
            let account = AccountId::new(name).expect("name");
            assert_eq!(u32::from(bucket(&account)), number % 16, "{name}");
        }
        // Written down, since files of years depend on it.
        let known =
            ["default", "east", "west"].map(|name| bucket(&AccountId::new(name).expect("name")));
        assert_eq!(known, [1, 11, 0]);
    }

    #[test]
    fn a_folder_tells_its_partition_and_nothing_else_is_one() {
        let month = Period::Month(Month::parse("2026-10").expect("month"));
        let day = Period::Day(NaiveDate::from_ymd_opt(2026, 10, 31).expect("day"));
        for (dataset, period, folder) in [
            (Dataset::UsageDaily, month, "usage_daily/usage_month=2026-10/account_bucket=07"),
            (Dataset::CostDaily, month, "cost_daily/usage_month=2026-10/account_bucket=07"),
            (Dataset::OccupancyMinute, day, "occupancy_minute/day=2026-10-31/account_bucket=07"),
        ] {
            let partition = Partition { dataset, period, account_bucket: 7 };
            assert_eq!(partition.folder(), folder);
            assert_eq!(Partition::of_folder(folder), Some(partition));
        }
        for folder in [
            "usage_daily/usage_month=2026-10/account_bucket=7",
            "usage_daily/usage_month=2026-10/account_bucket=16",
            "usage_daily/day=2026-10-01/account_bucket=07",
            "other/day=2026-10-01/account_bucket=07",
            "usage_daily",
        ] {
            assert_eq!(Partition::of_folder(folder), None, "{folder}");
        }
    }

    #[test]
    fn a_manifest_name_tells_its_revision() {
        assert_eq!(revision_of(&manifest_name(12)), Some(12));
        assert_eq!(revision_of(CURRENT_MANIFEST), None);
    }
}
