//! Applies the causes one after another and attributes each line's change to each.
//!
//! The sum over all steps is the whole difference by construction: the first
//! state is our bill, the last one the invoice, and each step owns what lies
//! between two states.

use num_rational::BigRational;
use num_traits::Zero;

use super::fit::{SolvedPrice, with_percent};
use super::minutes::TakenFor;
use super::month_usage::{MonthSeconds, OverlapReading, RecordingReading, SdReading, UsageReading};
use super::search::{Found, Sides, read_book, sd_book};
use super::summed::Rater;
use super::{Cause, CauseKind, Explanation, sentences};
use crate::domain::{Media, Service};
use crate::rating::{PriceBook, RatingError};
use crate::reconcile::amounts::{Amounts, Line, rounded};
use crate::reconcile::book_readings::{Choice, with_prices};

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
            book = priced(&book, price);
            let amounts = self.rater.amounts(seconds, &book)?;
            let text = sentences::of_price(price, self.rater.month);
            self.step(CauseKind::Price, text, amounts);
        }
        if !solved.percent.is_zero() {
            let currency = self.currency();
            let usage: Vec<((Service, Media), BigRational)> =
                self.state.usage().map(|(line, amount)| (line, amount.clone())).collect();
            let mut amounts = self.state.clone();
            for ((service, media), amount) in
                with_percent(usage.into_iter().collect(), &solved.percent)
            {
                amounts.set(Line::Usage(service, media), amount);
            }
            let text = sentences::of_percentage(&solved.percent);
            self.step(CauseKind::Percentage, text, amounts.with_rounding(currency));
        }
        Ok(())
    }

    /// Lines that are the invoice's but for their rounding.
    fn round_lines(&mut self) {
        let target = &self.sides.target;
        let mut amounts = self.state.clone();
        let mut is_rounded = false;
        for (line, amount) in self.state.usage() {
            let whole = rounded(amount, target.digits);
            if whole != *amount && target.is_met(line, amount) {
                amounts.set(Line::Usage(line.0, line.1), whole);
                is_rounded = true;
            }
        }
        if is_rounded {
            let text = sentences::of_line_rounding(target.digits);
            let currency = self.currency();
            self.step(CauseKind::LineRounding, text, amounts.with_rounding(currency));
        }
    }

    /// Rows of the invoice that are no usage.
    fn add_rows(&mut self) {
        let (sides, currency) = (self.sides, self.currency());
        // Overage follows from the minutes: another one has causes of its own, or none.
        for (line, kind) in [
            (Line::Package, CauseKind::Charge),
            (Line::TopUp, CauseKind::Charge),
            (Line::Commitment, CauseKind::Charge),
            (Line::Discount, CauseKind::Discount),
            (Line::Other, CauseKind::Other),
            (Line::Tax, CauseKind::Tax),
        ] {
            let (amount, own) = (sides.invoiced.get(line), self.state.get(line));
            if amount != own {
                let net = sides.invoiced.sum()
                    - sides.invoiced.get(Line::Tax)
                    - sides.invoiced.get(Line::Rounding);
                let text = sentences::of_row(kind, line, [&amount, &own], &net);
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

fn priced(book: &PriceBook, price: &SolvedPrice) -> PriceBook {
    let prices = [(price.line, price.price.clone())].into();
    with_prices(book, &prices).unwrap_or_else(|| book.clone())
}
