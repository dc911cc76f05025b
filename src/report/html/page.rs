//! What the page says, ready for its template.

use serde::Serialize;

use crate::domain::money::{decimal_text, rounded_units, thousands};
use crate::domain::{BillStatus, Media, Money, Month};
use crate::rating::ALLOCATION_SCALE;

use super::super::overview::{Change, DayState, EFFECTS, Grouping, Overview};
use super::super::summary::{MINUTES_SCALE, minute_units};
use super::super::{ReportError, wording};
use super::charts::length;
use super::{ahead, invoice, occupancy, projects, sections, trend};

/// Rows of the table of projects; the rest is summed, and stands in `summary.csv`.
pub(super) const LISTED_PROJECTS: usize = 1_000;

/// Everything that the template shows.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    account: String,
    month: String,
    month_name: String,
    currency: &'static str,
    status: String,
    status_class: &'static str,
    total: Number,
    change: Option<ChangeView>,
    /// That a month under way is compared with a whole one.
    open_note: String,
    plans: Vec<(&'static str, String)>,
    top_projects: Vec<Bar>,
    legend: Vec<MediaName>,
    trend: trend::Trend,
    projects_finding: String,
    projects: Vec<projects::ProjectRow>,
    /// Rows of the same table that are no listed projects, the total last.
    below_projects: Vec<projects::SumRow>,
    cost_centres: Vec<Bar>,
    has_previous: bool,
    media_finding: String,
    media: Vec<Bar>,
    bill: sections::BillView,
    days: sections::Days,
    occupancy: occupancy::OccupancyView,
    is_for_customer: bool,
    coverage: Vec<(&'static str, String)>,
    missing: Vec<sections::Missing>,
    more_missing: usize,
    assumptions: Vec<sections::AssumptionView>,
    corrections: Vec<sections::CorrectionRow>,
    ahead: Option<ahead::AheadView>,
    invoice: Option<invoice::InvoiceView>,
}

/// A number as it is shown, and as it is exactly.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(super) struct Number {
    /// With thousands set apart, rounded for the eye.
    pub(super) shown: String,
    /// Plain decimal, not rounded.
    pub(super) exact: String,
}

impl Number {
    pub(super) fn money(money: Money) -> Self {
        Self { shown: wording::money(money), exact: money.to_string() }
    }

    /// An amount with its sign, of whatever kind, but for nothing.
    pub(super) fn signed(money: Money) -> Self {
        let mut number = Self::money(money);
        if money.minor_units > 0 {
            number.shown.insert(0, '+');
        }
        number
    }

    /// An amount of 1e-6 units, shown in the currency's minor unit.
    pub(super) fn micro(units: i128, currency: crate::domain::Currency) -> Self {
        let digits = currency.minor_unit_digits();
        let minor_units = rounded_units(units, ALLOCATION_SCALE, digits);
        Self {
            shown: wording::money(Money { minor_units, currency }),
            exact: decimal_text(units, ALLOCATION_SCALE),
        }
    }

    /// Seconds as minutes without decimals.
    pub(super) fn minutes(seconds: i128) -> Self {
        let units = minute_units(seconds);
        let whole = rounded_units(units, MINUTES_SCALE, 0);
        Self { shown: thousands(&whole.to_string()), exact: decimal_text(units, MINUTES_SCALE) }
    }

    pub(super) fn count(count: u128) -> Self {
        Self { shown: thousands(&count.to_string()), exact: count.to_string() }
    }
}

/// A row with a bar.
#[derive(Debug, Serialize)]
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) detail: String,
    /// Media whose colour it has; empty for none.
    pub(super) media: &'static str,
    /// Part of the longest bar in thousandths.
    pub(super) length: i128,
    pub(super) amount: Number,
    pub(super) share: String,
    pub(super) minutes: Option<Number>,
}

/// A media and what people call it.
#[derive(Debug, Serialize)]
pub(super) struct MediaName {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
}

#[derive(Debug, Serialize)]
struct ChangeView {
    previous_month: String,
    previous: Number,
    amount: Number,
    per_cent: String,
    /// One sentence.
    cause: String,
    effects: Vec<EffectRow>,
}

#[derive(Debug, Serialize)]
struct EffectRow {
    name: &'static str,
    meaning: &'static str,
    amount: Number,
    is_fall: bool,
    length: i128,
}

/// Gathers what the page says.
pub(super) fn page(overview: &Overview<'_>) -> Result<Page, ReportError> {
    let bill = overview.bill();
    let by_cost = overview.projects_by_cost();
    let listed = by_cost.len().min(LISTED_PROJECTS);
    let background = overview.report.background;
    let plan = |name, money: Option<Money>| money.map(|money| (name, wording::money(money)));
    let longest = by_cost.first().map_or(0, |project| project.cost.minor_units);
    Ok(Page {
        account: bill.account.to_string(),
        month: bill.month.to_string(),
        month_name: month_name(bill.month),
        currency: bill.currency.code(),
        status: wording::status(overview),
        status_class: match overview.status {
            BillStatus::Complete => "good",
            BillStatus::Incomplete => "bad",
            BillStatus::InProgress => "open",
        },
        total: Number::money(overview.total()),
        change: overview.change.map(|change| change_view(overview, &change)),
        open_note: open_note(overview),
        plans: [plan("Budget", background.budget), plan("Forecast", background.forecast())]
            .into_iter()
            .flatten()
            .collect(),
        top_projects: projects::top_projects(overview, &by_cost),
        legend: overview.used_media().into_iter().map(media_name).collect(),
        trend: trend::trend(overview),
        projects_finding: projects::projects_finding(overview, &by_cost),
        projects: by_cost[..listed]
            .iter()
            .map(|project| projects::project_row(overview, project, longest))
            .collect(),
        below_projects: projects::below_projects(overview, &by_cost[listed..]),
        cost_centres: groups(overview, Grouping::CostCentre)?,
        has_previous: overview.change.is_some(),
        media_finding: sections::media_finding(overview)?,
        media: groups(overview, Grouping::Media)?,
        bill: sections::bill(overview)?,
        days: sections::days(overview),
        occupancy: occupancy::view(overview),
        is_for_customer: overview.report.background.is_for_customer,
        coverage: wording::coverage(overview)
            .into_iter()
            .map(|(name, fact)| (name, fact.to_string()))
            .collect(),
        missing: sections::missing(overview),
        more_missing: sections::more_missing(overview),
        assumptions: sections::assumptions(overview),
        corrections: sections::corrections(overview),
        ahead: ahead::view(overview),
        invoice: invoice::view(overview),
    })
}

fn open_note(overview: &Overview<'_>) -> String {
    if overview.status != BillStatus::InProgress {
        return String::new();
    }
    let days = overview.days.len();
    let not_yet = overview.days.iter().filter(|day| day.state == DayState::NotYet).count();
    format!("The month is not over: {} of {days} days are in it.", days - not_yet)
}

/// "October 2026".
pub(super) fn month_name(month: Month) -> String {
    month.first_day().format("%B %Y").to_string()
}

/// As people write it.
pub(super) const fn media_label(media: Media) -> &'static str {
    match media {
        Media::Audio => "Audio",
        Media::Sd => "SD",
        Media::Hd => "HD",
        Media::Hdp => "HD+",
        Media::FullHd => "Full HD",
        Media::Video2k => "2K",
        Media::Video2kPlus => "2K+",
    }
}

pub(super) const fn media_name(media: Media) -> MediaName {
    MediaName { name: media.name(), label: media_label(media) }
}

/// Per cent with one decimal; empty where there is no whole.
pub(super) fn share(part: i128, whole: i128) -> String {
    let text = wording::per_cent(part, whole).unwrap_or_default();
    text.trim_start_matches('+').to_owned()
}

fn change_view(overview: &Overview<'_>, change: &Change) -> ChangeView {
    let total = overview.bill().total;
    let money = |minor_units| Money { minor_units, ..total };
    let signed = |minor_units| Number::signed(money(minor_units));
    let longest = change.effects.iter().map(|effect| effect.abs()).max().unwrap_or(0);
    let effects = EFFECTS.iter().zip(change.effects);
    let currency = total.currency.code();
    let cause = match change.main_effect() {
        None => "It costs what the month before cost.".to_owned(),
        Some(at) => format!(
            "Most of it is {}: {} {currency} ({}).",
            EFFECTS[at].0,
            signed(change.effects[at]).shown,
            EFFECTS[at].1
        ),
    };
    let previous = overview.bill().month.previous();
    ChangeView {
        previous_month: month_name(previous),
        previous: Number::money(money(change.previous)),
        amount: signed(change.difference),
        per_cent: wording::per_cent(change.difference, change.previous).unwrap_or_default(),
        cause,
        effects: effects
            .map(|((name, meaning), units)| EffectRow {
                name,
                meaning,
                amount: signed(units),
                is_fall: units < 0,
                // Half of the width on either side of the middle.
                length: length(units.abs(), longest.saturating_mul(2)),
            })
            .collect(),
    }
}

fn groups(overview: &Overview<'_>, grouping: Grouping) -> Result<Vec<Bar>, ReportError> {
    let bill = overview.bill();
    let groups = overview.by(grouping)?;
    let total: i128 = groups.iter().map(|group| group.cost_micro_units).sum();
    let longest = groups.iter().map(|group| group.cost_micro_units).max().unwrap_or(0);
    let bar = |group: &super::super::GroupFigures| {
        let media = Media::from_name(&group.key).filter(|_| grouping == Grouping::Media);
        Bar {
            label: match media {
                Some(media) => media_label(media).to_owned(),
                None if group.key.is_empty() => "(no project)".to_owned(),
                None => group.key.clone(),
            },
            detail: group.key.clone(),
            media: media.map_or("", Media::name),
            length: length(group.cost_micro_units, longest),
            amount: Number::micro(group.cost_micro_units, bill.currency),
            share: share(group.cost_micro_units, total),
            minutes: Some(Number::minutes(group.seconds)),
        }
    };
    Ok(groups.iter().map(bar).collect())
}
