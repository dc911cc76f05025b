//! What a usage run did, in words: figures first, then what is missing.

use std::fmt::Write;

use super::print::{plain_table, trimmed};
use crate::collect::due::CellState;
use crate::collect::holes::{Coverage, Hole};
use crate::collect::usage::UsageRun;
use crate::domain::{AccountId, DateRange};

pub(super) use crate::domain::money::thousands;

/// Holes that are listed one by one; the rest is counted.
const LISTED_HOLES: usize = 20;

/// The outcome of a run over `range`.
pub(super) fn usage_run(
    account: &AccountId,
    range: DateRange,
    run: &UsageRun,
    coverage: &Coverage,
) -> String {
    let mut text = format!(
        "account {account}, {range}: {} answered, {} failed; {} new, {} changed\n",
        counted(run.answered, "request"),
        run.failed.len(),
        counted(run.new_rows, "row"),
        run.changed_rows,
    );
    if coverage.holes.is_empty() {
        text.push_str("every day is known");
        if coverage.open_days > 0 {
            let _ = write!(text, "; {} may still change", counted(coverage.open_days, "day"));
        }
        text.push('\n');
    } else {
        text.push_str(&holes(&coverage.holes));
    }
    text
}

/// The days that are not known, as a table with the way out below it.
pub(super) fn holes(holes: &[Hole]) -> String {
    let days: u64 =
        holes.iter().map(|hole| u64::try_from(hole.range.day_count()).unwrap_or(0)).sum();
    let mut table = plain_table();
    table.set_header(["project", "service", "days", "state", "cause"]);
    for hole in holes.iter().take(LISTED_HOLES) {
        table.add_row([
            hole.project_id.to_string(),
            hole.service.to_string(),
            hole.range.to_string(),
            hole.state.name().to_owned(),
            hole.message.clone().unwrap_or_else(|| cause(hole.state).to_owned()),
        ]);
    }
    let mut text = format!("{} not known:\n{}\n", counted(days, "day"), trimmed(&table));
    if let Some(more) = holes.len().checked_sub(LISTED_HOLES).filter(|more| *more > 0) {
        let _ = writeln!(text, "and {more} more; `agora-usage query gaps` lists them all");
    }
    text
}

/// Why a day is not known, where no message tells.
const fn cause(state: CellState) -> &'static str {
    match state {
        CellState::Incomplete => "the platform left out a value that it should send",
        CellState::Contradicted => "an answer lacked the stored value, which was kept",
        CellState::Unavailable => "older than the platform looks back; it can no longer be fetched",
        CellState::Failed => "the last request failed; run again",
        _ => "never asked for; run backfill",
    }
}

/// "1 row", "2,500 rows".
pub(super) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(&count.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_agree() {
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(1_000, "row"), "1,000 rows");
    }
}
