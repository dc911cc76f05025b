//! The month by project, cost centre, media or service.

use std::collections::BTreeMap;

use crate::domain::{AppliedAdjustment, DayUsage, Media, Money, Service};
use crate::rating::{ALLOCATION_SCALE, ProjectAllocation};

use super::super::{PreviousMonth, ReportError, table};
use super::{Overview, UNTAGGED};

/// Key of adjustments where a breakdown has no place for them.
const ADJUSTMENTS: &str = "(adjustments)";

/// What a breakdown is by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// By project.
    Project,
    /// By the cost centre that projects are tagged with.
    CostCentre,
    /// By media, as the API counts it.
    Media,
    /// By service.
    Service,
}

impl Grouping {
    /// Every grouping.
    pub const ALL: [Self; 4] = [Self::Project, Self::CostCentre, Self::Media, Self::Service];

    /// Word used in flags, file names and headers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::CostCentre => "cost_centre",
            Self::Media => "media",
            Self::Service => "service",
        }
    }

    /// The grouping of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grouping| grouping.name() == name)
    }
}

/// One group of a breakdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupFigures {
    /// Id, tag, media or service; empty for money that belongs to no group.
    pub key: String,
    /// Name of a project; empty otherwise.
    pub name: String,
    /// Seconds over all media, known values alone.
    pub seconds: i128,
    /// In 1e-6 of the currency.
    pub cost_micro_units: i128,
    /// The same of the month before; none where nothing is known of it.
    pub previous_micro_units: Option<i128>,
}

/// Cost of a service and media of a project, in 1e-6 of the currency.
pub(in crate::report) type Costs<'a> = BTreeMap<(&'a str, Service, Media), i128>;

/// The costs of these allocations.
pub(in crate::report) fn costs<'a>(
    projects: impl IntoIterator<Item = &'a ProjectAllocation>,
) -> Costs<'a> {
    let mut costs = Costs::new();
    for project in projects {
        for line in project.days.iter().flat_map(|day| &day.lines) {
            let key = (project.project_id.as_str(), line.service, line.media);
            *costs.entry(key).or_default() += line.cost_micro_units;
        }
    }
    costs
}

/// What groups are made of.
pub(in crate::report) struct Grouped<'a> {
    /// Name and cost centre of every project, by id.
    pub(in crate::report) projects: BTreeMap<&'a str, (&'a str, &'a str)>,
    /// Usage.
    pub(in crate::report) usage: Vec<&'a DayUsage>,
    /// Cost.
    pub(in crate::report) costs: Costs<'a>,
    /// Cost of the month before; none where nothing is known of it.
    pub(in crate::report) previous: Option<Costs<'a>>,
}

impl Grouped<'_> {
    fn key(&self, grouping: Grouping, of: (&str, Service, Media)) -> String {
        let (project, service, media) = of;
        match grouping {
            Grouping::Project => project,
            Grouping::CostCentre => {
                self.projects.get(project).map_or(UNTAGGED, |(_, cost_centre)| cost_centre)
            }
            Grouping::Media => media.name(),
            Grouping::Service => service.name(),
        }
        .to_owned()
    }

    fn empty(&self, grouping: Grouping, key: &str) -> GroupFigures {
        let name = self.projects.get(key).filter(|_| grouping == Grouping::Project);
        GroupFigures {
            key: key.to_owned(),
            name: name.map_or("", |(name, _)| name).to_owned(),
            seconds: 0,
            cost_micro_units: 0,
            previous_micro_units: self.previous.as_ref().map(|_| 0),
        }
    }

    /// Groups with the highest cost first, ties by key.
    pub(in crate::report) fn by(&self, grouping: Grouping) -> Vec<GroupFigures> {
        let mut groups: BTreeMap<String, GroupFigures> = BTreeMap::new();
        let mut group = |of: (&str, Service, Media), change: &dyn Fn(&mut GroupFigures)| {
            let key = self.key(grouping, of);
            let empty = self.empty(grouping, &key);
            change(groups.entry(key).or_insert(empty));
        };
        if matches!(grouping, Grouping::Project | Grouping::CostCentre) {
            // Projects without usage have a row as well.
            for id in self.projects.keys() {
                group((id, Service::Rtc, Media::Audio), &|_| ());
            }
        }
        for row in &self.usage {
            for media in Media::ALL {
                if let Some(seconds) = row.seconds[media.index()].filter(|seconds| *seconds != 0) {
                    let of = (row.project_id.as_str(), row.service, media);
                    group(of, &|group| group.seconds += i128::from(seconds));
                }
            }
        }
        for (of, cost) in self.costs.iter().filter(|(_, cost)| **cost != 0) {
            group(*of, &|group| group.cost_micro_units += cost);
        }
        for (of, cost) in self.previous.iter().flatten().filter(|(_, cost)| **cost != 0) {
            group(*of, &|group| {
                group.previous_micro_units = group.previous_micro_units.map(|sum| sum + cost);
            });
        }
        let mut rows: Vec<_> = groups.into_values().collect();
        sort(&mut rows);
        rows
    }

    /// Adds adjustments, those of the month before second. They go to projects and
    /// their cost centres; media and services have none, so that they stand in a
    /// group of their own.
    ///
    /// # Errors
    /// [`ReportError::TooLarge`] outside 128-bit integers.
    pub(in crate::report) fn add_adjustments(
        &self,
        grouping: Grouping,
        (adjustments, previous): (&[AppliedAdjustment], &[AppliedAdjustment]),
        rows: &mut Vec<GroupFigures>,
    ) -> Result<(), ReportError> {
        let all = adjustments.iter().map(|one| (one, false));
        for (applied, is_before) in all.chain(previous.iter().map(|one| (one, true))) {
            for (project_id, minor_units) in &applied.shares {
                let money = Money { minor_units: *minor_units, ..applied.adjustment.amount };
                let units = table::money_units(money, ALLOCATION_SCALE)?;
                let key = match grouping {
                    Grouping::Project | Grouping::CostCentre => {
                        self.key(grouping, (project_id.as_str(), Service::Rtc, Media::Audio))
                    }
                    Grouping::Media | Grouping::Service => ADJUSTMENTS.to_owned(),
                };
                let at = rows.iter().position(|row| row.key == key).unwrap_or_else(|| {
                    rows.push(self.empty(grouping, &key));
                    rows.len() - 1
                });
                if !is_before {
                    rows[at].cost_micro_units += units;
                } else if let Some(previous) = &mut rows[at].previous_micro_units {
                    *previous += units;
                }
            }
        }
        sort(rows);
        Ok(())
    }
}

/// The highest cost first, ties by key.
fn sort(rows: &mut [GroupFigures]) {
    rows.sort_by(|one, other| {
        other.cost_micro_units.cmp(&one.cost_micro_units).then(one.key.cmp(&other.key))
    });
}

impl Overview<'_> {
    /// Groups with the highest cost first, ties by key; then what belongs to none.
    ///
    /// # Errors
    /// [`ReportError::TooLarge`] outside 128-bit integers.
    pub(in crate::report) fn by(
        &self,
        grouping: Grouping,
    ) -> Result<Vec<GroupFigures>, ReportError> {
        let projects = self.projects.iter().map(|one| (one.id, (one.name, one.cost_centre)));
        let grouped = Grouped {
            projects: projects.collect(),
            usage: self.report.usage.iter().collect(),
            costs: costs(&self.report.bill.projects),
            previous: self.previous().map(|previous| costs(&previous.bill.projects)),
        };
        let mut rows = grouped.by(grouping);
        let previous = self.previous().map(|previous| previous.adjustments.as_slice());
        let adjustments = (self.report.adjustments, previous.unwrap_or_default());
        grouped.add_adjustments(grouping, adjustments, &mut rows)?;
        rows.extend(self.unallocated_group(grouped.empty(grouping, ""))?);
        Ok(rows)
    }

    fn previous(&self) -> Option<&PreviousMonth> {
        let previous = self.report.background.previous.as_ref();
        previous.filter(|previous| previous.bill.currency == self.report.bill.currency)
    }

    fn unallocated_group(&self, empty: GroupFigures) -> Result<Option<GroupFigures>, ReportError> {
        let units = |one: &PreviousMonth| table::money_units(one.unallocated(), ALLOCATION_SCALE);
        let cost_micro_units = table::money_units(self.report.unallocated(), ALLOCATION_SCALE)?;
        let previous_micro_units = self.previous().map(units).transpose()?;
        let has_any = cost_micro_units != 0 || previous_micro_units.is_some_and(|units| units != 0);
        Ok(has_any.then_some(GroupFigures { cost_micro_units, previous_micro_units, ..empty }))
    }
}
