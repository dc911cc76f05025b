//! A bill for programs: amounts as texts.

use serde_json::{Value, json};

use super::show::{COLUMNS, HEADLINE_COLUMNS, Shown, rows_of};
use super::words::{self, decimal};
use crate::billing::difference::{Change, Difference};
use crate::cli::failure::Failure;
use crate::domain::{AppliedAdjustment, Money, ProjectId};
use crate::rating::Charge;
use crate::store::analyst_queries::ValueKind;

/// The bill for programs; amounts are texts.
pub(super) fn object(shown: &Shown) -> Result<Value, Failure> {
    let month = &shown.month;
    let bill = &month.bill;
    let lines = rows_of(month)?.into_iter().take(bill.lines.len()).map(|row| {
        let field = |(value, (name, kind)): (Option<String>, &(&str, ValueKind))| {
            let number = value.as_deref().and_then(|text| text.parse::<u64>().ok());
            let value = match (kind, number) {
                (ValueKind::Integer, Some(number)) => json!(number),
                _ => json!(value),
            };
            ((*name).to_owned(), value)
        };
        let fields = row.into_iter().zip(COLUMNS).skip(HEADLINE_COLUMNS).map(field);
        Value::Object(fields.collect())
    });
    let mut object = json!({
        "account": bill.account.as_str(),
        "month": bill.month.to_string(),
        "status": month.status().name(),
        "revision": month.closed.as_ref().map_or(0, |closed| closed.revision),
        "closed": month.closed.as_ref().map(|closed| json!({
            "closed_at": words::time(closed.closed_at),
            "forced": closed.forced,
            "reservations": closed.reservations,
        })),
        "currency": bill.currency.code(),
        "lines": lines.collect::<Vec<_>>(),
        "exact_total": decimal(&bill.exact_total),
        "rounding": decimal(&bill.rounding()),
        "rated_total": bill.total.to_string(),
        "total": month.amount_due().to_string(),
        "unallocated": month.report().unallocated().to_string(),
        "book": { "name": month.book.name, "sha256": month.book.sha256 },
        "assumptions": bill.assumptions.iter().map(|assumption| json!({
            "key": assumption.key, "value": assumption.value, "text": assumption.text,
            "low": assumption.range.low.to_string(), "high": assumption.range.high.to_string(),
        })).collect::<Vec<_>>(),
        "rated_total_range": {
            "low": bill.range.low.to_string(), "high": bill.range.high.to_string(),
        },
    });
    object["charges"] = bill.charges.iter().map(charge).collect();
    object["adjustments"] = month.adjustments.iter().map(adjustment).collect();
    object["unpriced"] = bill.unpriced.iter().map(|usage| json!({
        "service": usage.service.name(), "field": usage.field, "seconds": usage.seconds.to_string(),
    })).collect();
    object["missing_days"] = month
        .coverage
        .missing_days
        .iter()
        .map(|missing| {
            json!({
                "project_id": missing.project_id.as_ref().map(ProjectId::as_str),
                "service": missing.service.name(),
                "days": missing.days.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "reason": missing.reason,
            })
        })
        .collect();
    object["changes_since_close"] = shown.changes.as_ref().map_or(Value::Null, changes);
    Ok(object)
}

/// Exact; a discount or a tax can have more places than a line.
pub(super) fn charge(charge: &Charge) -> Value {
    json!({
        "kind": charge.kind.name(),
        "text": charge.text,
        "minutes": charge.minutes.map(|minutes| minutes.to_string()),
        "unit_price_per_1000": charge.unit_price_per_1000.as_ref().map(decimal),
        "amount": decimal(&charge.amount),
    })
}

fn adjustment(applied: &AppliedAdjustment) -> Value {
    let adjustment = &applied.adjustment;
    let money = |minor_units| Money { minor_units, ..adjustment.amount }.to_string();
    let shares = applied.shares.iter().map(|(id, share)| (id.to_string(), json!(money(*share))));
    json!({
        "id": adjustment.adjustment_id,
        "amount": adjustment.amount.to_string(),
        "reason": adjustment.reason,
        "scope": words::scope(adjustment),
        "shares": Value::Object(shares.collect()),
        "unallocated": money(applied.unallocated),
    })
}

fn changes(difference: &Difference) -> Value {
    let (before, after) = &difference.amount_due;
    let money = |minor_units| Money { minor_units, ..*after }.to_string();
    let projects = difference.projects.iter().map(|Change { of, before, after }| {
        json!({ "project_id": of.as_str(), "before": money(*before), "after": money(*after) })
    });
    let adjustments = difference.adjustments.iter().map(|Change { of, before, after }| {
        json!({ "id": of, "before": money(*before), "after": money(*after) })
    });
    let lines = difference.lines.iter().map(|Change { of, before, after }| {
        json!({ "line": of, "before": decimal(before), "after": decimal(after) })
    });
    json!({
        "before": before.to_string(),
        "after": after.to_string(),
        "lines": lines.collect::<Vec<_>>(),
        "adjustments": adjustments.collect::<Vec<_>>(),
        "projects": projects.collect::<Vec<_>>(),
    })
}
