//! What something costs beside what it sells for.

use super::{Money, ProjectId};

/// A project, or what belongs to none, on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectMargin {
    /// Which project; none for what belongs to no project.
    pub project_id: Option<ProjectId>,
    /// Its name as last listed; empty where it never was.
    pub project_name: String,
    /// Adjustments included.
    pub cost: Money,
    /// By the sell price book.
    pub sell: Money,
}

/// A month on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthMargin {
    /// What is due to the platform before tax.
    pub cost: Money,
    /// What the customer owes before tax.
    pub sell: Money,
    /// Every project with a cost or an amount, by the bytes of its id.
    pub projects: Vec<ProjectMargin>,
}

/// Sell less cost.
#[must_use]
pub fn margin(cost: Money, sell: Money) -> Money {
    Money { minor_units: sell.minor_units - cost.minor_units, ..sell }
}

/// Margin in tenths of a per cent of what is sold; none where nothing is.
#[must_use]
pub fn margin_per_mille(cost: Money, sell: Money) -> Option<i128> {
    if sell.minor_units == 0 {
        return None;
    }
    let tenths = margin(cost, sell).minor_units.checked_mul(10_000)?;
    let tenths = tenths.checked_div(sell.minor_units.abs())?;
    Some(super::money::rounded_units(tenths, 1, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Currency;

    fn usd(minor_units: i128) -> Money {
        Money { minor_units, currency: Currency::from_code("USD").expect("known") }
    }

    #[test]
    fn a_margin_is_a_part_of_what_is_sold() {
        assert_eq!(margin(usd(700), usd(1_000)), usd(300));
        assert_eq!(margin_per_mille(usd(700), usd(1_000)), Some(300));
        assert_eq!(margin_per_mille(usd(2), usd(3)), Some(333));
        assert_eq!(margin_per_mille(usd(1_500), usd(1_000)), Some(-500));
        assert_eq!(margin_per_mille(usd(5), usd(0)), None);
    }
}
