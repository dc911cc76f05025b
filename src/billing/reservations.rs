//! What stands against closing a month.

use chrono::NaiveDate;

use super::{BillingError, RatedMonth};
use crate::collect::Records;
use crate::collect::calendar::Calendar;
use crate::collect::due::CellState;
use crate::domain::DateRange;

/// What stands against closing the month, a sentence each; nothing: its figures are final.
///
/// # Errors
/// [`BillingError`] when the database fails.
pub async fn against(
    records: &Records<'_>,
    month: &RatedMonth,
) -> Result<Vec<String>, BillingError> {
    let calendars = records.calendars(month.bill.month.days()).await?;
    let mut sentences: Vec<String> = calendars.iter().flat_map(of_calendar).collect();
    sentences.extend(month.bill.unpriced.iter().map(|usage| {
        format!(
            "{} of {}: {} s have no price in {}",
            usage.field, usage.service, usage.seconds, month.bill.book_name
        )
    }));
    Ok(sentences)
}

/// A sentence for each run of days in one state.
fn of_calendar(calendar: &Calendar) -> Vec<String> {
    let mut runs: Vec<(NaiveDate, NaiveDate, CellState)> = Vec::new();
    let doubtful = calendar.days.iter().filter(|told| told.state != CellState::Final);
    for told in doubtful {
        match runs.last_mut() {
            Some((_, last, state)) if *state == told.state && last.succ_opt() == Some(told.day) => {
                *last = told.day;
            }
            _ => runs.push((told.day, told.day, told.state)),
        }
    }
    let sentence = |(first, last, state): (NaiveDate, NaiveDate, CellState)| {
        let days = match DateRange::new(first, last) {
            Ok(range) if range.day_count() > 1 => range.to_string(),
            _ => first.to_string(),
        };
        format!("{} {} {days}: {}", calendar.project.project_id, calendar.service, meaning(state))
    };
    runs.into_iter().map(sentence).collect()
}

/// The state in words, as it matters to a bill.
const fn meaning(state: CellState) -> &'static str {
    match state {
        CellState::Open => "not final, may still change",
        CellState::Incomplete => "incomplete, a value that should have been sent is unknown",
        CellState::Contradicted => "contradicted, an answer lacked the stored value",
        CellState::Failed => "failed, the platform did not answer",
        CellState::Unavailable => "unavailable, older than the platform looks back",
        CellState::Missing => "missing, never asked for",
        CellState::Ahead => "not over",
        CellState::Final => "final",
    }
}
