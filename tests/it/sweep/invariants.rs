//! What holds after each step, whatever went wrong in it.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::independent;
use super::truth::{Cell, Seconds, Truth};
use crate::support::reports::{MonthFolder, files_below, units};
use crate::support::world::World;

const COLUMNS: &str = "project_id, service, day, audio_seconds, hd_seconds, hdp_seconds, \
    full_hd_seconds, video_2k_seconds, video_2k_plus_seconds";

/// Media of the columns, as bills name them.
const MEDIA: [&str; 6] = ["audio", "hd", "hdp", "full_hd", "2k", "2k_plus"];

const NO_REQUEST: &str = "select count(*) from ( \
    select account_id, request_id from agora.usage_daily union all \
    select account_id, request_id from agora.usage_revision) as v \
    where not exists (select from agora.sync_request as r \
    where r.account_id = v.account_id and r.request_id = v.request_id)";

/// Current values, and superseded ones from the oldest on.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub(super) current: BTreeMap<Cell, Seconds>,
    superseded: BTreeMap<Cell, Vec<Seconds>>,
}

fn parse(row: &str) -> (Cell, Seconds) {
    let mut fields = row.trim_matches(['(', ')']).split(',');
    let mut text = || fields.next().expect("a field").to_owned();
    let cell = (text(), text(), text());
    let seconds = fields.map(|field| field.parse().ok()).collect::<Vec<_>>();
    (cell, seconds.try_into().expect("six columns"))
}

impl Stored {
    /// Nothing where no run came far enough to make the tables.
    pub(super) async fn read_if_any(world: &World) -> Self {
        let has_tables = "select to_regclass('agora.usage_revision') is not null as found";
        if world.value(has_tables).await == "t" { Self::read(world).await } else { Self::default() }
    }

    async fn read(world: &World) -> Self {
        let current = world.rows(&format!("select {COLUMNS} from agora.usage_daily")).await;
        let superseded = format!(
            "select {COLUMNS} from agora.usage_revision order by superseded_at, request_id"
        );
        let mut stored = Self::default();
        stored.current.extend(current.iter().map(|row| parse(row)));
        for row in world.rows(&superseded).await {
            let (cell, seconds) = parse(&row);
            stored.superseded.entry(cell).or_default().push(seconds);
        }
        stored
    }

    /// What is stored is what the platform tells now, of the days from `first` on.
    pub(super) fn assert_is_told(&self, truth: &Truth, first: &str) {
        let since = |cells: &BTreeMap<Cell, Seconds>| -> BTreeMap<Cell, Seconds> {
            let since = cells.iter().filter(|((_, _, day), _)| day.as_str() >= first);
            since.map(|(cell, seconds)| (cell.clone(), *seconds)).collect()
        };
        let (stored, told) = (since(&self.current), since(&truth.now));
        let differ: Vec<_> = told
            .keys()
            .chain(stored.keys())
            .filter(|&cell| stored.get(cell) != told.get(cell))
            .map(|cell| (cell, stored.get(cell), told.get(cell)))
            .collect();
        assert!(differ.is_empty(), "stored otherwise than told: {differ:#?}");
    }

    fn history(&self, cell: &Cell) -> Vec<Seconds> {
        let mut history = self.superseded.get(cell).cloned().unwrap_or_default();
        history.extend(self.current.get(cell));
        history
    }

    /// No value was lost, doubled or invented since `earlier`.
    pub(super) fn assert_follows(&self, earlier: &Self, truth: &Truth) {
        for cell in earlier.current.keys() {
            assert!(self.current.contains_key(cell), "{cell:?} is gone");
        }
        for cell in self.current.keys() {
            let (before, now) = (earlier.history(cell), self.history(cell));
            assert!(now.starts_with(&before), "{cell:?}: {before:?} became {now:?}");
            assert!(now.windows(2).all(|pair| pair[0] != pair[1]), "{cell:?} twice: {now:?}");
            let told = &truth.told.get(cell);
            let is_told = |value: &Seconds| told.is_some_and(|told| told.contains(value));
            assert!(now.iter().all(is_told), "{cell:?}: {now:?}, told were {told:?}");
        }
        for cell in self.superseded.keys() {
            assert!(self.current.contains_key(cell), "{cell:?} has a past alone");
        }
    }
}

pub(super) async fn assert_every_value_has_its_request(world: &World) {
    assert_eq!(world.value(NO_REQUEST).await, "0", "values without a request");
}

/// The published report of a month says what other code makes of these values, adds
/// up, and is whole.
pub(super) fn assert_report(reports: &Path, month: &str, values: &BTreeMap<Cell, Seconds>) {
    let folder = MonthFolder::at(reports.join(month));
    let mut used: Vec<independent::Used> = Vec::new();
    for ((project, service, day), seconds) in values {
        if day.starts_with(month) {
            let known = MEDIA.iter().zip(seconds).filter_map(|(media, seconds)| {
                let seconds = (*seconds)?;
                Some((project.as_str(), service.as_str(), *media, seconds))
            });
            // What has no price is zero in this account.
            used.extend(known.filter(|(_, service, media, seconds)| {
                let has_price = independent::price_cents(service, media).is_some();
                assert!(has_price || *seconds == 0, "{service} {media}");
                has_price
            }));
        }
    }
    let cents = |amount: &str| units(amount) / 10_000_000_000;
    assert_eq!(cents(&folder.total()), independent::total_cents(&used), "bill of {month}");
    let parts = independent::project_cents(&used);
    for row in folder.rows("summary.csv") {
        let part = parts.get(&row["project_id"]).copied().unwrap_or(0);
        assert_eq!(cents(&row["cost"]), part, "{} in {month}", row["project_id"]);
    }
    folder.assert_adds_up();
    assert_whole(&folder, month);
}

/// Every file of the manifest is there with its hash, and no other one.
fn assert_whole(folder: &MonthFolder, month: &str) {
    let manifest = folder.manifest();
    let mut files = files_below(&folder.path(""));
    files.remove(Path::new("manifest.json")).expect("a manifest");
    for file in manifest["files"].as_array().expect("files") {
        let path = Path::new(file["path"].as_str().expect("a path"));
        let bytes = files.remove(path).unwrap_or_else(|| panic!("{} is missing", path.display()));
        let hash = format!("{:x}", Sha256::digest(&bytes));
        assert_eq!(file["sha256"].as_str(), Some(hash.as_str()), "{}", path.display());
    }
    assert!(files.is_empty(), "{month} has files that no manifest lists: {:?}", files.keys());
}

/// Nothing but whole months is left where reports are.
pub(super) fn assert_no_leftovers(reports: &Path) {
    let Ok(entries) = std::fs::read_dir(reports) else { return };
    for entry in entries {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(name.starts_with("2031-") && name.len() == 7, "{name} is left over");
    }
}
