//! An explained bill for programs: fractions as `numerator/denominator`, amounts as texts.

use num_rational::BigRational;
use serde_json::{Value, json};

use super::explain::{Explained, ExplainedProject, ExplainedValue};
use super::show_json::charge;
use super::words::{self, decimal, micro};
use crate::billing::RatedMonth;
use crate::billing::explain::{LineSteps, Part, Split};
use crate::domain::Media;
use crate::domain::money::decimal_text;

/// Everything that the explanation holds.
pub(super) fn object(explained: &Explained) -> Value {
    let month = &explained.month;
    let bill = &month.bill;
    let digits = bill.currency.minor_unit_digits();
    let lines: Vec<Value> = explained.lines.iter().map(line).collect();
    let cost = |units| decimal_text(units, digits);
    let projects = split(&explained.projects, "project_id", |id| json!(id.as_str()), cost);
    json!({
        "account": bill.account.as_str(),
        "month": bill.month.to_string(),
        "revision": month.closed.as_ref().map_or(0, |closed| closed.revision),
        "status": month.status().name(),
        "currency": bill.currency.code(),
        "minor_unit_digits": digits,
        "book": {
            "name": month.book.name,
            "sha256": month.book.sha256,
            "first_used_at": explained.book.as_ref().map(|book| words::time(book.first_seen_at)),
        },
        "lines": lines,
        "charges": bill.charges.iter().map(charge).collect::<Vec<_>>(),
        "exact_total": decimal(&bill.exact_total),
        "rounding": decimal(&bill.rounding()),
        "rated_total": bill.total.to_string(),
        "total": month.amount_due().to_string(),
        "assumptions": bill.assumptions.iter().map(|assumption| json!({
            "key": assumption.key, "value": assumption.value, "text": assumption.text,
        })).collect::<Vec<_>>(),
        "projects": projects,
        "project": explained.project.as_ref().map(|one| project(month, one)),
    })
}

fn fraction(value: &BigRational) -> String {
    format!("{}/{}", value.numer(), value.denom())
}

fn line(line: &LineSteps) -> Value {
    let sources = line.sources.iter().map(|source| {
        json!({
            "media": source.media.name(),
            "seconds": source.seconds.to_string(),
            "minutes": source.minutes.to_string(),
        })
    });
    let tiers = line.tiers.iter().map(|tier| {
        json!({
            "tier": tier.tier,
            "minutes": tier.minutes.to_string(),
            "free_minutes": tier.free_minutes.to_string(),
            "billable_minutes": tier.billable_minutes.to_string(),
            "unit_price_per_1000": decimal(&tier.unit_price_per_1000),
            "amount": decimal(&tier.amount),
        })
    });
    json!({
        "service": line.service.name(),
        "media": line.media.name(),
        "sources": sources.collect::<Vec<_>>(),
        "tiers": tiers.collect::<Vec<_>>(),
        "amount": decimal(&line.amount),
        "seconds": line.seconds.to_string(),
    })
}

fn split<K>(
    split: &Split<K>,
    of: &str,
    name: impl Fn(&K) -> Value,
    cost: impl Fn(i128) -> String,
) -> Value {
    let parts = split.parts.iter().map(|part: &Part<K>| {
        let mut value = json!({ "cost": cost(part.units) });
        value[of] = name(&part.of);
        if let Some(step) = &part.step {
            value["exact_cost"] = json!(fraction(&step.exact_cost));
            value["exact_units"] = json!(fraction(&step.exact_units));
            value["remainder_rank"] = json!(step.rank);
            value["has_extra_unit"] = json!(step.has_extra_unit);
        }
        value
    });
    json!({
        "units": split.total_units.to_string(),
        "units_left": split.units_left.to_string(),
        "parts": parts.collect::<Vec<_>>(),
    })
}

fn project(month: &RatedMonth, project: &ExplainedProject) -> Value {
    let digits = month.bill.currency.minor_unit_digits();
    let adjustments = month.adjustments.iter().map(|applied| {
        json!({
            "id": applied.adjustment.adjustment_id,
            "amount": applied.adjustment.amount.to_string(),
            "reason": applied.adjustment.reason,
            "share": decimal_text(applied.share_of(&project.project_id), digits),
        })
    });
    let days =
        project.days.as_ref().map(|days| split(days, "day", |day| json!(day.to_string()), micro));
    let day = project.day_lines.as_ref().map(|(day, lines)| {
        let name = |(service, media): &(crate::domain::Service, Media)| {
            json!({ "service": service.name(), "media": media.name() })
        };
        json!({ "day": day.to_string(), "lines": split(lines, "of", name, micro) })
    });
    json!({
        "project_id": project.project_id.as_str(),
        "adjustments": adjustments.collect::<Vec<_>>(),
        "days": days,
        "day": day,
        "values": project.values.iter().map(value).collect::<Vec<_>>(),
    })
}

fn value(value: &ExplainedValue) -> Value {
    let origin = &value.origin;
    let seconds = Media::ALL.into_iter().zip(origin.seconds);
    let named = seconds.filter_map(|(media, value)| Some((media.name().to_owned(), json!(value?))));
    let extra = origin.extra_seconds.iter();
    let extra = extra.filter_map(|(key, value)| Some((key.clone(), json!((*value)?))));
    json!({
        "day": origin.day.to_string(),
        "service": origin.service,
        "source": origin.source,
        "seconds": Value::Object(named.chain(extra).collect()),
        "is_billed": value.is_billed,
        "observed_at": words::time(origin.observed_at),
        "superseded_at": origin.superseded_at.map(words::time),
        "request": origin.request_id,
        "platform_request_id": origin.platform_request_id,
        "path": value.path,
    })
}
