//! The rows of a FOCUS file before they are columns.
//!
//! Owns which rows there are: of each project its usage by day, service and media,
//! then what it has of purchases and of tax; then what belongs to no project, then
//! adjustments. A range of days has the usage of its days with their part of
//! purchases and tax, and the rest of a month together with its last day.

use std::collections::BTreeMap;

use crate::domain::{AppliedAdjustment, DateRange, DayUsage, Media, Money, Service};
use crate::rating::{ALLOCATION_SCALE, Bill};

use super::super::month::ProjectMonth;
use super::super::{MonthReport, ReportError, table};
use super::prices::{Prices, UnitPrice};
use super::split::{self, Parts, ProjectParts};

/// One charge.
#[derive(Debug)]
pub(super) struct Charge<'a> {
    /// Whose; none for money that belongs to no project.
    pub(super) project: Option<&'a ProjectMonth<'a>>,
    /// Days that it is for.
    pub(super) days: DateRange,
    /// What it is for.
    pub(super) kind: Kind<'a>,
    /// In 1e-6 of the currency.
    pub(super) billed_micro_units: i128,
    /// The same with its part of what was paid ahead.
    pub(super) effective_micro_units: i128,
}

impl<'a> Charge<'a> {
    /// Its usage, where it is for some.
    pub(super) const fn usage(&self) -> Option<Usage<'a>> {
        match self.kind {
            Kind::Usage(usage) => Some(usage),
            Kind::Purchase(_) | Kind::Tax | Kind::Adjustment(_) => None,
        }
    }
}

/// What a charge is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind<'a> {
    /// A day's usage of a service and media.
    Usage(Usage<'a>),
    /// What is owed whatever was used.
    Purchase(Purchase),
    /// Tax on the two.
    Tax,
    /// A credit or charge beside the rated bill, and its reason.
    Adjustment(&'a str),
}

/// A day's seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage<'a> {
    /// Of which service.
    pub(super) service: Service,
    /// Name of the media, or the API's raw key of a field that is none.
    pub(super) meter: &'a str,
    /// Of the day.
    pub(super) seconds: i64,
    /// What it costs by the minute, where that is known.
    pub(super) price: Option<UnitPrice>,
    /// Whether the bill has no price for it, so that its cost is not known.
    pub(super) is_unpriced: bool,
}

/// What is owed whatever was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purchase {
    /// Package and top-ups of standard minutes.
    Prepaid,
    /// What is missing to the minimum commitment.
    Commitment,
    /// Anything else that no usage of a project caused.
    Fee,
}

/// The charges of the days of one month.
///
/// # Errors
/// [`ReportError`] for an amount outside 128-bit integers.
pub(super) fn charges<'a>(
    report: &MonthReport<'a>,
    projects: &'a [ProjectMonth<'a>],
    days: DateRange,
) -> Result<Vec<Charge<'a>>, ReportError> {
    let mut parts = split::split(report.bill)?;
    let rows =
        Rows { bill: report.bill, prices: Prices::new(&report.background.unit_prices)?, days };
    let mut charges = Vec::new();
    for project in projects {
        let of_project = parts.projects.remove(project.id.as_str()).unwrap_or_default();
        rows.of_project(project, of_project, &mut charges);
    }
    if days.contains(report.bill.month.last_day()) {
        rows.beside_usage(None, parts.unallocated, &mut charges);
        adjustments(report, projects, &mut charges)?;
    }
    Ok(charges)
}

/// What all rows of a month share.
struct Rows<'b> {
    bill: &'b Bill,
    prices: Prices,
    days: DateRange,
}

impl Rows<'_> {
    fn of_project<'a>(
        &self,
        project: &'a ProjectMonth<'a>,
        mut parts: ProjectParts,
        charges: &mut Vec<Charge<'a>>,
    ) {
        let mut beside_usage = Parts::default();
        for row in project.usage.iter().filter(|row| self.days.contains(row.day)) {
            for media in Media::ALL {
                let of_row = parts.remove(&(row.day, row.service, media)).unwrap_or_default();
                let seconds = row.seconds[media.index()].unwrap_or(0);
                if seconds != 0 || of_row != Parts::default() {
                    let price = self.prices.of(row.service, media);
                    charges.push(self.usage(project, row, (media.name(), seconds, price), of_row));
                }
                beside_usage += Parts { usage: 0, ..of_row };
            }
            // No price for a field that the program does not know.
            let unknown = row.extra_seconds.iter().filter_map(|(field, seconds)| {
                Some((field.as_str(), seconds.filter(|seconds| *seconds != 0)?, None))
            });
            charges.extend(unknown.map(|value| self.usage(project, row, value, Parts::default())));
        }
        self.beside_usage(Some(project), beside_usage, charges);
    }

    fn usage<'a>(
        &self,
        project: &'a ProjectMonth<'a>,
        row: &DayUsage,
        (meter, seconds, price): (&'a str, i64, Option<UnitPrice>),
        parts: Parts,
    ) -> Charge<'a> {
        let mut unpriced = self.bill.unpriced.iter();
        let is_unpriced =
            unpriced.any(|usage| usage.service == row.service && usage.field == meter);
        Charge {
            project: Some(project),
            days: DateRange::single(row.day),
            kind: Kind::Usage(Usage { service: row.service, meter, seconds, price, is_unpriced }),
            billed_micro_units: parts.usage,
            effective_micro_units: parts.usage + parts.prepaid,
        }
    }

    /// Purchases and tax; without a project also what is billed for no usage at all.
    fn beside_usage<'a>(
        &self,
        project: Option<&'a ProjectMonth<'a>>,
        parts: Parts,
        charges: &mut Vec<Charge<'a>>,
    ) {
        let rows = [
            (Kind::Purchase(Purchase::Fee), parts.usage, 0),
            (Kind::Purchase(Purchase::Prepaid), parts.prepaid, 0),
            (Kind::Purchase(Purchase::Commitment), parts.commitment, 0),
            (Kind::Tax, parts.tax, parts.tax),
        ];
        let days = self.days;
        for (kind, billed_micro_units, effective_micro_units) in rows {
            if billed_micro_units != 0 {
                let charge =
                    Charge { project, days, kind, billed_micro_units, effective_micro_units };
                charges.push(charge);
            }
        }
    }
}

/// Each project's part of each adjustment, then what belongs to no project.
fn adjustments<'a>(
    report: &MonthReport<'a>,
    projects: &'a [ProjectMonth<'a>],
    charges: &mut Vec<Charge<'a>>,
) -> Result<(), ReportError> {
    let by_id: BTreeMap<&str, _> = projects.iter().map(|one| (one.id.as_str(), one)).collect();
    let adjustments: &'a [AppliedAdjustment] = report.adjustments;
    for applied in adjustments {
        let shares = applied.shares.iter().map(|(id, share)| (by_id.get(id.as_str()), *share));
        for (project, minor_units) in shares.chain([(None, applied.unallocated)]) {
            let part = Money { minor_units, ..applied.adjustment.amount };
            let units = table::money_units(part, ALLOCATION_SCALE)?;
            if units != 0 {
                charges.push(Charge {
                    project: project.copied(),
                    days: report.bill.month.days(),
                    kind: Kind::Adjustment(&applied.adjustment.reason),
                    billed_micro_units: units,
                    effective_micro_units: units,
                });
            }
        }
    }
    Ok(())
}
