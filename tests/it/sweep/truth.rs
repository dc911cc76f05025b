//! What the platform told, day by day: asked of it while nothing goes wrong.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::simulated::Running;

/// Project, service and day.
pub(super) type Cell = (String, String, String);

/// Seconds of audio, HD, HD+, Full HD, 2K and 2K+.
pub(super) type Seconds = [Option<i64>; 6];

const SERVICES: [(&str, &str); 3] =
    [("rtc", "default"), ("cloud_recording", "cloudRecording"), ("miniapp", "miniapp")];

const FIELDS: [&str; 6] = [
    "durationAudioAll",
    "durationVideoHd",
    "durationVideoHdp",
    "durationVideo1080P",
    "durationVideo2K",
    "durationVideo4K",
];

/// Everything that was told of each cell, and what is told now.
#[derive(Debug, Default)]
pub(super) struct Truth {
    pub(super) told: BTreeMap<Cell, BTreeSet<Seconds>>,
    pub(super) now: BTreeMap<Cell, Seconds>,
}

impl Truth {
    /// Asks for the days from `first` to `last`.
    pub(super) fn ask(&mut self, platform: &Running, first: &str, last: &str) {
        let get = |path: &str| {
            let (status, answer) = platform.call("GET", path, None);
            assert!((200..300).contains(&status), "{path}: {answer}");
            answer
        };
        let days = format!("from_date={first}&to_date={last}");
        self.now.clear();
        for project in project_ids(&get(&format!("/dev/v1/usage/?{days}"))) {
            for (service, business) in SERVICES {
                let query = format!("project_id={project}&{days}&business={business}");
                let answer = get(&format!("/dev/v3/usage?{query}"));
                for day in answer["usages"].as_array().expect("usages") {
                    let date = day["date"].as_str().expect("a day")[..10].to_owned();
                    let seconds = FIELDS.map(|field| day["usage"][field].as_i64());
                    let cell = (project.clone(), service.to_owned(), date);
                    self.told.entry(cell.clone()).or_default().insert(seconds);
                    self.now.insert(cell, seconds);
                }
            }
        }
    }
}

/// Those with usage, deleted ones too.
fn project_ids(answer: &Value) -> BTreeSet<String> {
    let usages = answer["usages"].as_array().expect("usages");
    usages.iter().map(|usage| usage["project"].as_str().expect("an id").to_owned()).collect()
}
