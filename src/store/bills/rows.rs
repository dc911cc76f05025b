//! A bill as rows of `bill_line` and `bill_allocation`: as it is written, and as
//! what is stored is compared with.

use crate::domain::{Media, Service};
use crate::rating::{
    Bill, BillLine, Charge, DayAllocation, LINE_SCALE, RatingError, decimal_units,
    exact_decimal_units,
};

/// A line or a charge as a row of `bill_line`.
pub(in crate::store) struct LineRow {
    pub(in crate::store) kind: &'static str,
    pub(in crate::store) service: &'static str,
    pub(in crate::store) media: &'static str,
    pub(in crate::store) tier: u32,
    pub(in crate::store) seconds: Option<u128>,
    pub(in crate::store) minutes: u128,
    pub(in crate::store) free_minutes: u128,
    pub(in crate::store) billable_minutes: u128,
    pub(in crate::store) coefficient: Option<i128>,
    pub(in crate::store) unit_price_per_1000: i128,
    pub(in crate::store) amount: i128,
    pub(in crate::store) note: Option<String>,
}

impl LineRow {
    fn of_line(line: &BillLine) -> Result<Self, RatingError> {
        let exact = |amount| exact_decimal_units(amount, LINE_SCALE);
        Ok(Self {
            kind: line.kind.name(),
            service: line.service.name(),
            media: line.media.name(),
            tier: line.tier,
            seconds: line.seconds,
            minutes: line.minutes,
            free_minutes: line.free_minutes,
            billable_minutes: line.billable_minutes,
            coefficient: line.coefficient.as_ref().map(exact).transpose()?,
            unit_price_per_1000: exact(&line.unit_price_per_1000)?,
            amount: exact(&line.amount)?,
            note: None,
        })
    }

    /// `number` counts the charges of one kind, from 1.
    fn of_charge(charge: &Charge, number: u32) -> Result<Self, RatingError> {
        let price = charge.unit_price_per_1000.as_ref();
        let price = price.map(|price| exact_decimal_units(price, LINE_SCALE)).transpose()?;
        Ok(Self {
            kind: charge.kind.name(),
            service: "",
            media: "",
            tier: number,
            seconds: None,
            minutes: charge.minutes.unwrap_or(0),
            free_minutes: 0,
            billable_minutes: charge.minutes.unwrap_or(0),
            coefficient: None,
            unit_price_per_1000: price.unwrap_or(0),
            amount: decimal_units(&charge.amount, LINE_SCALE)?,
            note: Some(charge.text.clone()),
        })
    }
}

/// Lines and charges, in the order of the bill.
pub(in crate::store) fn line_rows(bill: &Bill) -> Result<Vec<LineRow>, RatingError> {
    let mut rows = bill.lines.iter().map(LineRow::of_line).collect::<Result<Vec<_>, _>>()?;
    let mut number = 0;
    let mut kind_before = None;
    for charge in &bill.charges {
        number = if kind_before == Some(charge.kind) { number + 1 } else { 1 };
        kind_before = Some(charge.kind);
        rows.push(LineRow::of_charge(charge, number)?);
    }
    Ok(rows)
}

/// Cost by media of a service on a day, in 1e-6 units; none without a line.
pub(in crate::store) fn costs_of(
    day: &DayAllocation,
    service: Service,
) -> Option<[i128; Media::COUNT]> {
    let mut lines = day.lines.iter().filter(|line| line.service == service).peekable();
    lines.peek()?;
    let mut costs = [0; Media::COUNT];
    for line in lines {
        costs[line.media.index()] += line.cost_micro_units;
    }
    Some(costs)
}
