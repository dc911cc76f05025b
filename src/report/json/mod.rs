//! JSON: the whole report in one file, for programs.
//!
//! Amounts are strings, so that no reader turns them into floats; seconds are
//! whole numbers; what is not known is null. Text is raw.

mod range;

use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

use crate::domain::money::decimal_text;
use crate::domain::{HourOfWeek, Media, Money, Peak};
use crate::rating::{
    ALLOCATION_SCALE, BillLine, Charge, LINE_SCALE, RatingError, decimal_units, exact_decimal_units,
};

use super::format::{MonthContent, RangeContent, ReportFile, ReportFormat};
use super::manifest;
use super::model::{Ahead, BudgetAhead, Correction, OddDay, PlanAhead, ProjectMarginAhead};
use super::month::ProjectMonth;
use super::overview::{
    Change, DayFigures, EFFECTS, GroupFigures, Grouping, InvoiceRow, MediaCosts, Overview,
    ProjectFigures, TrendMonth,
};
use super::{ReportError, ReportOptions};

/// Raised when a reader would have to change.
const LAYOUT_VERSION: u32 = 1;

/// The format `json`.
pub(super) struct Json;

impl ReportFormat for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn first_file(&self) -> &'static str {
        "report.json"
    }

    fn month_files(
        &self,
        month: &MonthContent<'_>,
        _options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError> {
        let overview = month.overview()?;
        let mut bytes = serde_json::to_vec_pretty(&document(&overview, month.projects)?)?;
        bytes.push(b'\n');
        let total = overview.total().to_string();
        Ok(vec![ReportFile {
            path: "report.json".to_owned(),
            bytes,
            rows: overview.projects.len(),
            sums: [("cost", total)].into(),
        }])
    }

    fn range_files(
        &self,
        range: &RangeContent<'_>,
        _options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError> {
        let mut bytes = serde_json::to_vec_pretty(&range::document(range)?)?;
        bytes.push(b'\n');
        let sums = [("cost", micro(range.total))].into();
        let path = "report.json".to_owned();
        Ok(vec![ReportFile { path, bytes, rows: range.projects.len(), sums }])
    }

    fn needs_background(&self) -> bool {
        true
    }
}

fn document(overview: &Overview<'_>, projects: &[ProjectMonth<'_>]) -> Result<Value, ReportError> {
    let (bill, background) = (overview.bill(), overview.report.background);
    let figures = overview.projects.iter().zip(projects);
    let range = overview.report.range_due(&bill.range);
    let range = json!({ "low": range.low.to_string(), "high": range.high.to_string() });
    let charges = bill.charges.iter().map(charge).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({
        "layout_version": LAYOUT_VERSION,
        "account": bill.account.as_str(),
        "month": bill.month.to_string(),
        "status": overview.status.name(),
        "currency": bill.currency.code(),
        "total": overview.total().to_string(),
        "rated_total": bill.total.to_string(),
        "exact_total": decimal_text(decimal_units(&bill.exact_total, LINE_SCALE)?, LINE_SCALE),
        "unallocated": overview.report.unallocated().to_string(),
        "closed": overview.report.closed.map(manifest::closed),
        "adjustments": manifest::adjustments(overview.report.adjustments),
        "total_range": range,
        "budget": background.budget.map(|money| money.to_string()),
        "forecast": background.forecast().map(|money| money.to_string()),
        "change": overview.change.map(|change| change_entry(&change, bill.total)),
        "price_book": { "name": bill.book_name, "sha256": bill.book_sha256 },
        "projects": figures.map(|(one, month)| project(one, month)).collect::<Vec<_>>(),
        "by_cost_centre": groups(&overview.by(Grouping::CostCentre)?),
        "by_media": groups(&overview.by(Grouping::Media)?),
        "by_service": groups(&overview.by(Grouping::Service)?),
        "bill": bill.lines.iter().map(bill_line).collect::<Result<Vec<_>, _>>()?,
        "charges": charges,
        "rounding": decimal_text(decimal_units(&bill.rounding(), LINE_SCALE)?, LINE_SCALE),
        "days": overview.days.iter().map(day).collect::<Vec<_>>(),
        "trend": overview.trend.iter().map(trend_month).collect::<Vec<_>>(),
        "occupancy": {
            "hours_of_week": background.occupancy.hours.iter().map(hour).collect::<Vec<_>>(),
            "peaks": background.occupancy.peaks.iter().map(peak).collect::<Vec<_>>(),
        },
        "coverage": manifest::coverage(&overview.report.coverage),
        "assumptions": manifest::assumptions(overview.report),
        "unpriced": manifest::unpriced(bill),
        "invoice": overview.invoice().map(|rows| rows.iter().map(invoice_row).collect::<Vec<_>>()),
        "ahead": ahead(&background.ahead),
        "corrections": background.corrections.iter().map(correction).collect::<Vec<_>>(),
    }))
}

fn line_text(amount: &num_rational::BigRational) -> Result<String, RatingError> {
    Ok(decimal_text(exact_decimal_units(amount, LINE_SCALE)?, LINE_SCALE))
}

fn micro(units: i128) -> String {
    decimal_text(units, ALLOCATION_SCALE)
}

fn change_entry(change: &Change, total: Money) -> Value {
    let money = |minor_units| Money { minor_units, ..total }.to_string();
    let effects = EFFECTS.iter().zip(change.effects);
    let effects: Map<String, Value> = effects
        .map(|((name, _), units)| (name.replace(' ', "_"), Value::from(money(units))))
        .collect();
    json!({
        "total_of_month_before": money(change.previous),
        "change": money(change.difference),
        "effects": effects,
    })
}

fn seconds(seconds: impl IntoIterator<Item = Option<i128>>) -> Value {
    let seconds = Media::ALL.into_iter().zip(seconds);
    let number =
        |value: i128| i64::try_from(value).map_or_else(|_| json!(value.to_string()), Value::from);
    let known =
        seconds.filter_map(|(media, value)| Some((media.name().to_owned(), number(value?))));
    Value::Object(known.collect())
}

fn costs(costs: &MediaCosts) -> Value {
    let costs = Media::ALL.into_iter().zip(costs).filter(|(_, cost)| **cost != 0);
    Value::Object(
        costs.map(|(media, cost)| (media.name().to_owned(), micro(*cost).into())).collect(),
    )
}

/// Each day and service of a project.
fn project_days(month: &ProjectMonth<'_>) -> Vec<Value> {
    month
        .usage
        .iter()
        .map(|row| {
            let of_row = |line: &&crate::rating::LineAllocation| line.service == row.service;
            let allocation = month.allocation.iter().flat_map(|one| &one.days);
            let lines = allocation.filter(|day| day.day == row.day).flat_map(|day| &day.lines);
            let cost: i128 = lines.filter(of_row).map(|line| line.cost_micro_units).sum();
            json!({
                "day": row.day,
                "service": row.service.name(),
                "seconds": seconds(row.seconds.map(|value| value.map(i128::from))),
                "cost": micro(cost),
            })
        })
        .collect()
}

fn project(figures: &ProjectFigures<'_>, month: &ProjectMonth<'_>) -> Value {
    json!({
        "project_id": figures.id,
        "project_name": figures.name,
        "status": figures.status.name(),
        "cost_centre": figures.cost_centre,
        "cost": figures.cost.to_string(),
        "adjustment": figures.adjustment.to_string(),
        "cost_of_month_before": figures.previous.map(|money| money.to_string()),
        "seconds": seconds(figures.seconds),
        "costs": costs(&figures.media_costs),
        "days": project_days(month),
    })
}

fn groups(groups: &[GroupFigures]) -> Vec<Value> {
    let group = |group: &GroupFigures| {
        json!({
            "key": group.key,
            "seconds": i64::try_from(group.seconds).ok(),
            "cost": micro(group.cost_micro_units),
            "cost_of_month_before": group.previous_micro_units.map(micro),
        })
    };
    groups.iter().map(group).collect()
}

fn bill_line(line: &BillLine) -> Result<Value, RatingError> {
    let count = |value: u128| u64::try_from(value).ok();
    Ok(json!({
        "service": line.label(),
        "media": line.media.name(),
        "tier": line.tier,
        "seconds": line.seconds.and_then(count),
        "minutes": count(line.minutes),
        "free_minutes": count(line.free_minutes),
        "billable_minutes": count(line.billable_minutes),
        "unit_price_per_1000": line_text(&line.unit_price_per_1000)?,
        "amount": line_text(&line.amount)?,
    }))
}

fn charge(charge: &Charge) -> Result<Value, RatingError> {
    let units = decimal_units(&charge.amount, LINE_SCALE)?;
    Ok(json!({
        "kind": charge.kind.name(),
        "text": charge.text,
        "minutes": charge.minutes.and_then(|minutes| u64::try_from(minutes).ok()),
        "amount": decimal_text(units, LINE_SCALE),
    }))
}

fn day(day: &DayFigures) -> Value {
    json!({
        "day": day.day,
        "state": day.state.name(),
        "seconds": seconds(day.seconds),
        "costs": costs(&day.costs),
        "cost": micro(day.cost()),
    })
}

fn trend_month(month: &TrendMonth) -> Value {
    json!({
        "month": month.month.to_string(),
        "status": month.status.map(crate::domain::BillStatus::name),
        "total": month.total.to_string(),
        "costs": costs(&month.media_costs),
    })
}

fn hour(hour: &HourOfWeek) -> Value {
    json!({
        "weekday": hour.weekday + 1,
        "hour": hour.hour,
        "average_users": decimal_text(hour.milli_users.into(), 3),
        "observed_hours": hour.observed_hours,
    })
}

fn peak(peak: &Peak) -> Value {
    json!({
        "project_id": peak.project_id.as_str(),
        "users": peak.users,
        "channels": peak.channels,
        "at": peak.at.to_rfc3339_opts(SecondsFormat::Secs, true),
    })
}

fn invoice_row(row: &InvoiceRow<'_>) -> Value {
    json!({
        "project_id": row.project_id,
        "estimate": row.estimate.to_string(),
        "invoice": row.invoice.to_string(),
        "difference": row.difference().to_string(),
    })
}

fn ahead(ahead: &Ahead) -> Value {
    let text = |money: Money| money.to_string();
    let budget = |one: &BudgetAhead| {
        json!({
            "of": one.of,
            "amount": text(one.amount),
            "to_date": text(one.to_date),
            "expected": one.expected.map(text),
            "used_up_on": one.used_up_on,
        })
    };
    let odd_day = |one: &OddDay| {
        json!({
            "project_id": one.project_id,
            "day": one.day,
            "cause": one.cause,
            "worth": text(one.worth),
            "usual": text(one.usual),
        })
    };
    let plan = |one: &PlanAhead| {
        json!({
            "plan": one.plan,
            "total": text(one.total),
            "saved": one.saved.map(text),
            "is_in_force": one.is_in_force,
            "break_even_percent": one.break_even.map(|turn| turn.volume_percent),
            "break_even_minutes_a_month":
                one.break_even.map(|turn| turn.minutes_a_month.to_string()),
        })
    };
    let margin = |one: &ProjectMarginAhead| json!({ "project_id": one.project_id, "cost": text(one.cost), "sell": text(one.sell) });
    json!({
        "month_end": ahead.month_end.map(|end| json!({
            "expected": text(end.expected),
            "low": text(end.low),
            "high": text(end.high),
        })),
        "last_day": ahead.last_day,
        "first_billed_day": ahead.first_billed_day,
        "margins": ahead.margins.iter().map(margin).collect::<Vec<_>>(),
        "budgets": ahead.budgets.iter().map(budget).collect::<Vec<_>>(),
        "odd_days": ahead.odd_days.iter().map(odd_day).collect::<Vec<_>>(),
        "plans": ahead.plans.iter().map(plan).collect::<Vec<_>>(),
        "plan_months": ahead.plan_months,
    })
}

fn correction(correction: &Correction) -> Value {
    json!({
        "project_id": correction.project_id.as_str(),
        "service": correction.service.name(),
        "day": correction.day,
        "media": correction.media.name(),
        "before_seconds": correction.before_seconds,
        "after_seconds": correction.after_seconds,
        "observed_at": correction.observed_at.to_rfc3339_opts(SecondsFormat::Secs, true),
    })
}
