//! What happened, counted.

use std::collections::BTreeMap;
use std::fmt;

use super::schedule::Step;

#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<String, usize>);

impl Tally {
    pub(super) fn add(&mut self, what: String) {
        *self.0.entry(what).or_default() += 1;
    }

    /// The faults of a day, by kind.
    pub(super) fn add_step(&mut self, step: &Step) {
        let kind = |fault: &dyn fmt::Debug| {
            let text = format!("{fault:?}");
            text.split([' ', '{']).next().unwrap_or_default().to_owned()
        };
        self.add("days".to_owned());
        for (side, fault) in [("database", kind(&step.database)), ("process", kind(&step.process))]
        {
            self.add(format!("{side} {fault}"));
        }
        step.platform.iter().for_each(|_| self.add("platform faults".to_owned()));
        step.restatements.iter().for_each(|_| self.add("restated days".to_owned()));
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<_> = self.0.iter().map(|(what, count)| format!("{what} {count}")).collect();
        f.write_str(&counts.join(", "))
    }
}
