//! What a bill charges beside its lines, and the end of the sum.
//!
//! Owns the order of the terms of the whole bill: the discount is taken off all
//! usage (lines, package, top-ups, overage), the minimum commitment tops up what
//! is left, the tax comes on that, and then the total is rounded, once.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;

use super::amount::{self, AMOUNT_SCALE, SETTLED_SCALE, TOTAL_SCALE, WHOLE};
use super::price_book::Terms;

/// What a charge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChargeKind {
    /// A package of standard minutes.
    Package,
    /// More standard minutes, bought once.
    TopUp,
    /// Standard minutes beyond those that are free or bought.
    Overage,
    /// The contract's discount on all usage; negative.
    Discount,
    /// What is missing to the minimum commitment.
    Commitment,
    /// Tax on everything before it.
    Tax,
}

impl ChargeKind {
    /// Word used in tables and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::TopUp => "top_up",
            Self::Overage => "overage",
            Self::Discount => "discount",
            Self::Commitment => "commitment",
            Self::Tax => "tax",
        }
    }
}

/// An amount of a bill that belongs to no single service and media.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// What for.
    pub kind: ChargeKind,
    /// The same for people.
    pub text: String,
    /// Standard minutes that it pays for, where it does.
    pub minutes: Option<u128>,
    /// Price of 1,000 of them, where it has one.
    pub unit_price_per_1000: Option<BigRational>,
    /// Exact; may have more decimal places than [`super::LINE_SCALE`].
    pub amount: BigRational,
}

/// Usage with the terms of the whole bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settlement {
    /// Taken off; units of [`SETTLED_SCALE`].
    discount: BigInt,
    /// Topped up; units of [`SETTLED_SCALE`].
    commitment: BigInt,
    /// In units of [`TOTAL_SCALE`].
    tax: BigInt,
    /// In units of [`TOTAL_SCALE`].
    pub(super) total: BigInt,
}

// Each percentage adds the four places of `WHOLE`.
const _: () = assert!(SETTLED_SCALE == AMOUNT_SCALE + 4 && TOTAL_SCALE == SETTLED_SCALE + 4);

/// Applies the terms to what usage costs, in units of [`AMOUNT_SCALE`].
pub(super) fn settle(usage: &BigInt, terms: &Terms) -> Settlement {
    let discount = usage * amount::percent_units(&terms.discount_percent);
    let discounted = usage * WHOLE - &discount;
    let committed = amount::units(&terms.minimum_commitment, SETTLED_SCALE);
    let commitment = (committed - &discounted).max(BigInt::ZERO);
    let net = discounted + &commitment;
    let tax = &net * amount::percent_units(&terms.tax_percent);
    let total = net * WHOLE + &tax;
    Settlement { discount, commitment, tax, total }
}

impl Settlement {
    /// The terms that changed the bill, in their order.
    pub(super) fn charges(self, terms: &Terms) -> Vec<Charge> {
        let percent = |percent: &BigRational| amount::percent_text(percent);
        let all = [
            (
                ChargeKind::Discount,
                format!("discount of {} % on all usage", percent(&terms.discount_percent)),
                amount::exact(-self.discount, SETTLED_SCALE),
            ),
            (
                ChargeKind::Commitment,
                "what is missing to the minimum commitment".to_owned(),
                amount::exact(self.commitment, SETTLED_SCALE),
            ),
            (
                ChargeKind::Tax,
                format!("tax of {} %", percent(&terms.tax_percent)),
                amount::exact(self.tax, TOTAL_SCALE),
            ),
        ];
        let charge = |(kind, text, amount)| Charge {
            kind,
            text,
            minutes: None,
            unit_price_per_1000: None,
            amount,
        };
        all.into_iter().filter(|(_, _, amount)| !amount.is_zero()).map(charge).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rating::tests::support::exact;

    fn settled(usage: &str, discount: &str, commitment: &str, tax: &str) -> (String, Vec<String>) {
        let terms = Terms {
            discount_percent: exact(discount),
            minimum_commitment: exact(commitment),
            tax_percent: exact(tax),
        };
        let settlement = settle(&amount::units(&exact(usage), AMOUNT_SCALE), &terms);
        let total = amount::exact(settlement.total.clone(), TOTAL_SCALE).to_string();
        let charges = settlement.charges(&terms).into_iter();
        (total, charges.map(|it| format!("{} {}", it.kind.name(), it.amount)).collect())
    }

    #[test]
    fn discount_then_commitment_then_tax() {
        for (terms, total, charges) in [
            (("100", "0", "0", "0"), "100", &[][..]),
            (("100", "10", "0", "0"), "90", &["discount -10"]),
            (("100", "10", "95", "20"), "114", &["discount -10", "commitment 5", "tax 19"]),
            (("100", "10", "90", "0"), "90", &["discount -10"]),
            (("0", "10", "50", "0"), "50", &["commitment 50"]),
            (("0.5", "0", "0", "7.25"), "429/800", &["tax 29/800"]),
            (("100", "100", "0", "19"), "0", &["discount -100"]),
        ] {
            let (usage, discount, commitment, tax) = terms;
            let settled = settled(usage, discount, commitment, tax);
            let expected: Vec<String> = charges.iter().map(ToString::to_string).collect();
            assert_eq!(settled, (total.to_owned(), expected), "{terms:?}");
        }
    }
}
