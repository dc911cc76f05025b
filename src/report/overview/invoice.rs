//! The platform's invoice beside the bill, by project.

use std::collections::BTreeMap;

use crate::domain::{Currency, Money};

use super::Overview;

/// A project on both sides, adjustments included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) struct InvoiceRow<'a> {
    /// Its id; empty for what belongs to no project.
    pub(in crate::report) project_id: &'a str,
    /// Its name.
    pub(in crate::report) name: &'a str,
    /// Its part of our bill.
    pub(in crate::report) estimate: Money,
    /// Its part of the invoice.
    pub(in crate::report) invoice: Money,
}

impl InvoiceRow<'_> {
    /// What the invoice has more.
    pub(in crate::report) fn difference(&self) -> Money {
        Money { minor_units: self.invoice.minor_units - self.estimate.minor_units, ..self.invoice }
    }

    /// Our bill, the invoice and the difference of all rows.
    pub(in crate::report) fn totals(rows: &[Self], currency: Currency) -> [Money; 3] {
        let sum = |of: fn(&Self) -> Money| Money {
            minor_units: rows.iter().map(|row| of(row).minor_units).sum(),
            currency,
        };
        [sum(|row| row.estimate), sum(|row| row.invoice), sum(Self::difference)]
    }
}

impl<'a> Overview<'a> {
    /// Every project that either side charges, by id; none where no invoice is known.
    pub(in crate::report) fn invoice(&self) -> Option<Vec<InvoiceRow<'a>>> {
        let background = self.report.background;
        let invoiced = background.invoice.as_ref()?;
        let currency = self.bill().currency;
        let money = |minor_units| Money { minor_units, currency };
        let mut rows: BTreeMap<&'a str, InvoiceRow<'a>> = BTreeMap::new();
        for project in &self.projects {
            let (project_id, name, estimate) = (project.id, project.name, project.cost);
            rows.insert(project_id, InvoiceRow { project_id, name, estimate, invoice: money(0) });
        }
        let estimate = self.report.unallocated();
        let nobody = InvoiceRow { project_id: "", name: "", estimate, invoice: money(0) };
        rows.insert("", nobody);
        for (project_id, amount) in invoiced {
            let row = rows.entry(project_id.as_str()).or_insert(InvoiceRow {
                project_id: project_id.as_str(),
                name: "",
                estimate: money(0),
                invoice: money(0),
            });
            row.invoice = *amount;
        }
        let is_charged =
            |row: &InvoiceRow<'_>| row.estimate.minor_units != 0 || row.invoice.minor_units != 0;
        Some(rows.into_values().filter(is_charged).collect())
    }
}
