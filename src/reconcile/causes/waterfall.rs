//! Applies the causes one after another and attributes each line's change to each.
//!
//! The sum over all steps is the whole difference by construction: the first
//! state is our bill, the last one the invoice, and each step owns what lies
//! between two states.

use num_traits::Zero;

use super::fit::with_percent;
use super::minutes::TakenFor;
use super::month_usage::{MonthSeconds, OverlapReading, RecordingReading, SdReading, UsageReading};
use super::search::{Found, Sides, decimal_places, read_book, sd_book};
use super::summed::Rater;
use super::{Cause, CauseKind, Explanation, sentences};
use crate::rating::RatingError;
use crate::reconcile::amounts::{Amounts, Line, rounded};
use crate::reconcile::book_readings::{Choice, with_price};

/// The causes with their parts, and what is left.
pub(super) fn explanation(
    sides: &Sides<'_>,
    rater: Rater<'_>,
    found: &Found<'_>,
) -> Result<Explanation, RatingError> {
    let mut waterfall = Waterfall {
        sides,
        rater,
        state: sides.estimate.amounts.clone(),
        causes: Vec::new(),
        unexplained: Amounts::default(),
    };
    let seconds = waterfall.count(found)?;
    waterfall.price(found, &seconds)?;
    waterfall.round_lines();
    waterfall.add_rows();
    let rest = sides.invoiced.less(&waterfall.state);
    waterfall.unexplained.add_all(&rest);
    let Waterfall { causes, unexplained, .. } = waterfall;
    Ok(Explanation { causes, unexplained })
}

struct Waterfall<'a> {
    sides: &'a Sides<'a>,
    rater: Rater<'a>,
    /// Amounts after the causes so far.
    state: Amounts,
    causes: Vec<Cause>,
    unexplained: Amounts,
}

impl Waterfall<'_> {
    /// The ways of counting, one after another.
    fn count(&mut self, found: &Found<'_>) -> Result<MonthSeconds, RatingError> {
        let (sides, usage) = (self.sides, &found.usage);
        let (month, own) = (&sides.month, sides.facts.book);
        let mut reading = UsageReading::default();
        for (kind, next) in steps(&usage.reading) {
            let seconds = month.seconds(&next);
            let days = month.changed_days(&reading, &next);
            let text = sentences::of_counting(kind, &next, month, &days);
            let amounts = self.rater.amounts(&seconds, own)?;
            self.step(kind, text, amounts);
            reading = next;
        }
        let mut seconds = month.seconds(&reading);
        for (taken_for, kind) in [
            (TakenFor::DayMinutes, CauseKind::DayMinutes),
            (TakenFor::MissingDays, CauseKind::MissingDays),
        ] {
            let taken: Vec<_> =
                usage.taken.iter().filter(|taken| taken.taken_for == taken_for).collect();
            if !taken.is_empty() {
                usage.apply(&mut seconds, &[taken_for]);
                let text = sentences::of_taken(kind, &taken, sides.facts.gaps);
                let amounts = self.rater.amounts(&seconds, own)?;
                self.step(kind, text, amounts);
            }
        }
        if usage.unexplained() > 0 {
            usage.apply(&mut seconds, &[TakenFor::Nothing]);
            let amounts = self.rater.amounts(&seconds, own)?;
            self.unexplained.add_all(&amounts.less(&self.state));
            self.state = amounts;
        }
        Ok(seconds)
    }

    /// The ways of pricing, one after another.
    fn price(&mut self, found: &Found<'_>, seconds: &MonthSeconds) -> Result<(), RatingError> {
        let own = self.sides.facts.book;
        let mut book = sd_book(own, &found.usage);
        if found.usage.reading.sd == SdReading::Apart {
            let amounts = self.rater.amounts(seconds, &book)?;
            self.step(CauseKind::SdApart, sentences::of_sd_apart(), amounts);
        }
        let mut choices: Vec<&Choice> = Vec::new();
        for (axis, choice) in &found.readings {
            choices.push(choice);
            book = read_book(own, &choices).map_or(book, |book| sd_book(&book, &found.usage));
            let amounts = self.rater.amounts(seconds, &book)?;
            self.step(axis.cause, choice.text.clone(), amounts);
        }
        let solved = &found.fit.solved;
        for price in &solved.prices {
            book = with_price(book, price.line, &price.price);
            let amounts = self.rater.amounts(seconds, &book)?;
            let text = sentences::of_price(price, self.rater.month);
            self.step(CauseKind::Price, text, amounts);
        }
        if !solved.percent.is_zero() {
            let currency = self.currency();
            let metered =
                self.state.metered().map(|(line, amount)| (line, amount.clone())).collect();
            let mut amounts = self.state.clone();
            for (line, amount) in with_percent(metered, &solved.percent) {
                amounts.set(line, amount);
            }
            let text = sentences::of_percentage(&solved.percent);
            self.step(CauseKind::Percentage, text, amounts.with_rounding(currency));
        }
        Ok(())
    }

    /// Lines that are the invoice's but for their rounding.
    fn round_lines(&mut self) {
        let (target, invoiced) = (&self.sides.target, &self.sides.invoiced);
        let least = self.currency().minor_unit_digits();
        let mut amounts = self.state.clone();
        let mut is_rounded = false;
        for (line, amount) in self.state.iter().filter(|(line, _)| *line != Line::Rounding) {
            let stated = invoiced.get(line);
            let own_digits = || decimal_places(&stated).max(least);
            let digits = if line.is_metered() { target.digits } else { own_digits() };
            if stated != *amount && rounded(amount, digits) == stated {
                amounts.set(line, stated);
                is_rounded = true;
            }
        }
        if is_rounded {
            let text = sentences::of_line_rounding(target.digits);
            let currency = self.currency();
            self.step(CauseKind::LineRounding, text, amounts.with_rounding(currency));
        }
    }

    /// Rows of either side that are no usage.
    fn add_rows(&mut self) {
        let (invoiced, currency) = (&self.sides.invoiced, self.currency());
        for (line, kind) in [
            (Line::Package, CauseKind::Package),
            (Line::TopUp, CauseKind::TopUp),
            (Line::Discount, CauseKind::Discount),
            (Line::Commitment, CauseKind::Commitment),
            (Line::Adjustment, CauseKind::Adjustment),
            (Line::Other, CauseKind::Other),
            (Line::Tax, CauseKind::Tax),
        ] {
            let (amount, ours) = (invoiced.get(line), self.state.get(line));
            if amount != ours {
                let others = invoiced.sum() - &amount - invoiced.get(Line::Rounding);
                let text = sentences::of_row(line, &amount, &ours, &others);
                let mut amounts = self.state.clone();
                amounts.set(line, amount);
                self.step(kind, text, amounts.with_rounding(currency));
            }
        }
    }

    fn step(&mut self, kind: CauseKind, text: String, amounts: Amounts) {
        let parts = amounts.less(&self.state);
        self.causes.push(Cause { kind, text, parts });
        self.state = amounts;
    }

    fn currency(&self) -> crate::domain::Currency {
        self.sides.facts.book.currency
    }
}

/// The reading built up from ours, a cause a step.
fn steps(reading: &UsageReading) -> Vec<(CauseKind, UsageReading)> {
    let mut next = UsageReading::default();
    let mut steps = Vec::new();
    if reading.before.is_some() {
        next.before = reading.before;
        steps.push((CauseKind::RestatedDays, next));
    }
    if reading.sd == SdReading::LeftOut {
        next.sd = reading.sd;
        steps.push((CauseKind::SdLeftOut, next));
    }
    if reading.recording != RecordingReading::Both {
        next.recording = reading.recording;
        steps.push((CauseKind::RecordingTwice, next));
    }
    if reading.overlap != OverlapReading::Both {
        next.overlap = reading.overlap;
        steps.push((CauseKind::HdpOverlap, next));
    }
    if reading.daily_rounding {
        next.daily_rounding = true;
        steps.push((CauseKind::DailyRounding, next));
    }
    steps
}
