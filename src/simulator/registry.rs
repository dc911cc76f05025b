//! The projects of the account, and what callers change about them.
//!
//! Owns the list, its two indexes and each change. A change keeps the past: a
//! deleted or disabled project keeps the usage of its days, since it still
//! counts in the bill. Readers take shared projects out, so that no lock is
//! held while an answer is made.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use super::cast::{Fate, SimulatedProject, created};
use super::draw::{Topic, hex_32};
use crate::domain::DateRange;

/// Every project that was ever there, in the order of their creation.
#[derive(Debug)]
pub(super) struct Registry {
    seed: u64,
    projects: Vec<Arc<SimulatedProject>>,
    by_project_id: HashMap<String, usize>,
    by_app_id: HashMap<String, usize>,
    certificates_drawn: u64,
}

/// What a caller wants with a project's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CertificateChange {
    /// Keeps the present one, if any.
    Enable,
    Disable,
    /// A fresh one, also where none was enabled.
    Reset,
}

impl Registry {
    pub(super) fn new(seed: u64, projects: Vec<SimulatedProject>) -> Self {
        let mut registry = Self {
            seed,
            projects: Vec::with_capacity(projects.len()),
            by_project_id: HashMap::new(),
            by_app_id: HashMap::new(),
            certificates_drawn: 0,
        };
        for project in projects {
            registry.add(project);
        }
        registry
    }

    fn add(&mut self, project: SimulatedProject) -> Arc<SimulatedProject> {
        let index = self.projects.len();
        self.by_project_id.insert(project.project_id.clone(), index);
        self.by_app_id.insert(project.app_id.clone(), index);
        let project = Arc::new(project);
        self.projects.push(Arc::clone(&project));
        project
    }

    /// Every project, deleted ones included.
    pub(super) fn all(&self) -> Vec<Arc<SimulatedProject>> {
        self.projects.clone()
    }

    /// The project of a project id, deleted ones included.
    pub(super) fn project(&self, project_id: &str) -> Option<Arc<SimulatedProject>> {
        self.by_project_id.get(project_id).and_then(|index| self.projects.get(*index)).cloned()
    }

    /// The project of an App ID, deleted ones included.
    pub(super) fn project_of_app(&self, app_id: &str) -> Option<Arc<SimulatedProject>> {
        self.by_app_id.get(app_id).and_then(|index| self.projects.get(*index)).cloned()
    }

    /// Creates a project; two may share a name.
    pub(super) fn create(
        &mut self,
        name: String,
        with_certificate: bool,
        now: DateTime<Utc>,
    ) -> Arc<SimulatedProject> {
        let number = self.projects.len() as u64;
        let certificate = if with_certificate { self.draw_certificate() } else { String::new() };
        self.add(created(self.seed, number, name, certificate, now))
    }

    /// Disables or enables a project; nothing for one that does not exist.
    ///
    /// The day of a disabling still has usage, and so has the day of an enabling.
    pub(super) fn set_active(
        &mut self,
        project_id: &str,
        active: bool,
        today: NaiveDate,
    ) -> Option<Arc<SimulatedProject>> {
        self.change(project_id, |project| {
            if project.is_active() == active {
                return;
            }
            project.fate = if active { Fate::Active } else { Fate::Disabled };
            let disabled_on = project.last_day.replace(today);
            if active {
                project.last_day = None;
                project.pauses.extend(disabled_on.and_then(|day| days_between(day, today)));
            }
        })
    }

    /// Deletes a project; nothing for one that does not exist.
    pub(super) fn delete(
        &mut self,
        project_id: &str,
        today: NaiveDate,
    ) -> Option<Arc<SimulatedProject>> {
        self.change(project_id, |project| {
            project.last_day.get_or_insert(today);
            project.fate = Fate::Deleted;
        })
    }

    /// Sets the recording server; nothing for a project that does not exist or is disabled.
    pub(super) fn set_recording_server(
        &mut self,
        project_id: &str,
        recording_server: String,
    ) -> Option<Arc<SimulatedProject>> {
        self.active(project_id)?;
        self.change(project_id, |project| {
            project.recording_server = Some(recording_server).filter(|server| !server.is_empty());
        })
    }

    /// Changes the certificate; nothing for a project that does not exist or is disabled.
    pub(super) fn set_certificate(
        &mut self,
        project_id: &str,
        change: CertificateChange,
    ) -> Option<Arc<SimulatedProject>> {
        let present = self.active(project_id)?.certificate.clone();
        let certificate = match change {
            CertificateChange::Disable => String::new(),
            CertificateChange::Enable if !present.is_empty() => present,
            CertificateChange::Enable | CertificateChange::Reset => self.draw_certificate(),
        };
        self.change(project_id, |project| project.certificate = certificate)
    }

    fn active(&self, project_id: &str) -> Option<Arc<SimulatedProject>> {
        self.project(project_id).filter(|project| project.is_active())
    }

    fn draw_certificate(&mut self) -> String {
        self.certificates_drawn += 1;
        hex_32(self.seed, Topic::NewCertificate, self.certificates_drawn)
    }

    fn change(
        &mut self,
        project_id: &str,
        change: impl FnOnce(&mut SimulatedProject),
    ) -> Option<Arc<SimulatedProject>> {
        let index = self.by_project_id.get(project_id)?;
        let project = self.projects.get_mut(*index).filter(|project| project.exists())?;
        change(Arc::make_mut(project));
        Some(Arc::clone(project))
    }
}

/// The days after `first` and before `last`.
fn days_between(first: NaiveDate, last: NaiveDate) -> Option<DateRange> {
    DateRange::new(first.succ_opt()?, last.pred_opt()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::period::parse_day;
    use crate::simulator::cast::{History, cast};

    fn day(text: &str) -> NaiveDate {
        parse_day(text).expect("day")
    }

    fn registry() -> Registry {
        let history = History { first_day: day("2030-04-03"), start_day: day("2031-05-08") };
        Registry::new(7, cast(7, 8, history))
    }

    #[test]
    fn a_disabled_project_has_no_usage_until_it_is_enabled() {
        let mut registry = registry();
        let id = registry.all()[0].project_id.clone();
        registry.set_active(&id, false, day("2031-05-10")).expect("exists");
        let disabled = registry.set_active(&id, false, day("2031-05-12")).expect("exists");
        assert!(disabled.in_use_on(day("2031-05-10")) && !disabled.in_use_on(day("2031-05-11")));
        let enabled = registry.set_active(&id, true, day("2031-05-14")).expect("exists");
        let days = ["2031-05-10", "2031-05-11", "2031-05-13", "2031-05-14", "2031-06-01"];
        let in_use = days.map(|text| enabled.in_use_on(day(text)));
        assert_eq!(in_use, [true, false, false, true, true]);
    }

    #[test]
    fn a_deleted_project_keeps_its_past_and_cannot_be_changed() {
        let mut registry = registry();
        let id = registry.all()[0].project_id.clone();
        let deleted = registry.delete(&id, day("2031-05-10")).expect("exists");
        assert!(deleted.in_use_on(day("2031-05-10")) && !deleted.in_use_on(day("2031-05-11")));
        assert!(registry.delete(&id, day("2031-05-11")).is_none());
        assert!(registry.set_active(&id, true, day("2031-05-11")).is_none());
        assert!(registry.set_certificate(&id, CertificateChange::Reset).is_none());
        assert!(registry.project(&id).is_some(), "its usage can still be asked for");
    }

    #[test]
    fn certificates_are_enabled_kept_reset_and_disabled() {
        let mut registry = registry();
        let id = registry.all()[1].project_id.clone();
        let mut certificate =
            |change| registry.set_certificate(&id, change).expect("active").certificate.clone();
        let first = certificate(CertificateChange::Enable);
        assert_eq!(first.len(), 32);
        assert_eq!(certificate(CertificateChange::Enable), first);
        let second = certificate(CertificateChange::Reset);
        assert!(second.len() == 32 && second != first);
        assert_eq!(certificate(CertificateChange::Disable), "");
        assert_eq!(certificate(CertificateChange::Reset).len(), 32);
    }
}
