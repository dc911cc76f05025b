//! Faults on demand: what goes wrong, for which requests, and how often.
//!
//! `spec` owns the text of a fault, `effect` what it does to a request and its
//! answer, `rows` what it does to the answer's JSON and `body` to its bytes.
//! Here is the schedule: whether a fault strikes follows from the seed and from
//! the number of requests it was aimed at before, so that a client that asks in
//! the same order meets the same faults.

mod body;
mod effect;
mod rows;
mod spec;

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::Method;
use serde::Serialize;

pub(super) use effect::strike;
use spec::FaultKind;
pub use spec::{FaultError, FaultSpec};

use super::draw::{Topic, draw};

/// Faults in force.
#[derive(Debug)]
pub(super) struct Faults {
    seed: u64,
    armed: Mutex<Vec<Armed>>,
}

/// A fault and what it did so far.
#[derive(Debug)]
struct Armed {
    spec: FaultSpec,
    /// Requests that it was aimed at.
    aimed: u64,
    /// Requests that it struck.
    struck: u64,
}

/// A fault as it is told to the caller.
#[derive(Debug, Serialize)]
pub(super) struct FaultReport {
    fault: String,
    aimed: u64,
    struck: u64,
}

/// The faults that strike one request.
#[derive(Debug, Clone, Default)]
pub(super) struct Struck(Vec<FaultKind>);

impl Faults {
    pub(super) fn new(seed: u64, specs: Vec<FaultSpec>) -> Self {
        let faults = Self { seed, armed: Mutex::default() };
        faults.replace(specs);
        faults
    }

    /// Puts other faults in place of the present ones; their counts begin anew.
    pub(super) fn replace(&self, specs: Vec<FaultSpec>) {
        let arm = |spec| Armed { spec, aimed: 0, struck: 0 };
        *self.armed() = specs.into_iter().map(arm).collect();
    }

    pub(super) fn report(&self) -> Vec<FaultReport> {
        let report = |armed: &Armed| FaultReport {
            fault: armed.spec.to_string(),
            aimed: armed.aimed,
            struck: armed.struck,
        };
        self.armed().iter().map(report).collect()
    }

    /// Counts a request and decides which faults strike it.
    fn strike(&self, method: &Method, path: &str) -> Struck {
        let mut armed = self.armed();
        let struck = (0_u64..).zip(armed.iter_mut()).filter_map(|(position, armed)| {
            armed.strikes(self.seed, position, method, path).then(|| armed.spec.kind().clone())
        });
        Struck(struck.collect())
    }

    fn armed(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Armed {
    fn strikes(&mut self, seed: u64, position: u64, method: &Method, path: &str) -> bool {
        if !self.spec.is_aimed_at(method, path) || self.spec.count() == Some(self.struck) {
            return false;
        }
        let drawn = draw(seed, Topic::Fault, &[position, self.aimed]) % 100;
        self.aimed += 1;
        let strikes = drawn < u64::from(self.spec.rate_percent());
        self.struck += u64::from(strikes);
        strikes
    }
}

impl Struck {
    /// Whether every page is the first one.
    pub(super) fn pages_are_stuck(&self) -> bool {
        self.0.contains(&FaultKind::StuckPages)
    }

    /// How many channels came in front since the first page was read.
    pub(super) fn drifted_channels(&self) -> u64 {
        let drifted = |kind: &FaultKind| match kind {
            FaultKind::Drift { channels } => Some(*channels),
            _ => None,
        };
        self.0.iter().filter_map(drifted).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(faults: &Faults, times: usize, path: &str) -> Vec<usize> {
        let strike = |_| faults.strike(&Method::GET, path).0.len();
        (0..times).map(strike).collect()
    }

    fn faults(seed: u64, texts: &[&str]) -> Faults {
        let specs = texts.iter().map(|text| text.parse().expect("a fault")).collect();
        Faults::new(seed, specs)
    }

    #[test]
    fn a_count_ends_a_fault() {
        let faults = faults(1, &["status=500@usage*2"]);
        assert_eq!(struck(&faults, 1, "/dev/v1/projects"), [0]);
        assert_eq!(struck(&faults, 4, "/dev/v1/usage"), [1, 1, 0, 0]);
        faults.replace(Vec::new());
        assert_eq!(struck(&faults, 1, "/dev/v1/usage"), [0]);
    }

    #[test]
    fn a_rate_strikes_that_many_and_the_same_for_a_seed() {
        let of = |seed| struck(&faults(seed, &["status=500%10"]), 2_000, "/dev/v1/usage");
        let first = of(1);
        assert!((140..260).contains(&first.iter().sum::<usize>()));
        assert_eq!(first, of(1));
        assert_ne!(first, of(2));
    }

    #[test]
    fn several_faults_strike_at_once() {
        let faults = faults(1, &["latency-ms=1", "gzip", "status=500@channels"]);
        assert_eq!(struck(&faults, 1, "/dev/v1/usage"), [2]);
    }
}
