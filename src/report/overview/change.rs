//! Why a month costs more or less than the one before it.
//!
//! The change of the amount due is the sum of six effects, exactly. Four are of
//! the lines: more minutes at the old prices and shares (volume), other media
//! (mix), other prices, the discounts of tiers included (price), and other free
//! minutes (free minutes); each step changes one thing and leaves the others, so
//! that the steps add up. What no line has is by itself: packages, discounts,
//! commitments and taxes (charges), and credits and charges beside the rated
//! total (adjustments).

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{ToPrimitive, Zero};

use crate::domain::{Media, Service};
use crate::rating::Bill;

/// The effects in minor units; they sum to the change of the amount due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) struct Change {
    /// Amount due of the month before.
    pub(in crate::report) previous: i128,
    /// This amount less that one.
    pub(in crate::report) difference: i128,
    /// By [`EFFECTS`].
    pub(in crate::report) effects: [i128; EFFECTS.len()],
}

/// Effects of what is rated; the last one of all is that of the adjustments.
const RATED: usize = EFFECTS.len() - 1;

/// Name and meaning of each effect, in the order of [`Change::effects`].
pub(in crate::report) const EFFECTS: [(&str, &str); 6] = [
    ("volume", "more or fewer minutes, at last month's prices and shares of media"),
    ("mix", "other shares of media, such as more Full HD, at last month's prices"),
    ("price", "other prices per minute, the discounts of volume tiers included"),
    ("free minutes", "other worth of the free minutes"),
    ("charges", "packages, top-ups, overage, discounts, commitments and taxes"),
    ("adjustments", "credits and charges beside the rated total"),
];

impl Change {
    /// From the month before to this one, each with its adjustments in minor
    /// units; none where currencies differ.
    pub(in crate::report) fn between(before: (&Bill, i128), now: (&Bill, i128)) -> Option<Self> {
        let ((before, adjusted_before), (now, adjusted_now)) = (before, now);
        if before.currency != now.currency {
            return None;
        }
        let exact = exact_effects(&media_of(before), &media_of(now), before, now);
        let rated = now.total.minor_units - before.total.minor_units;
        let unit = BigInt::from(10).pow(now.currency.minor_unit_digits());
        let mut effects = [0; EFFECTS.len()];
        effects[..RATED].copy_from_slice(&rounded_to(rated, &exact.map(|effect| effect * &unit)));
        effects[RATED] = adjusted_now - adjusted_before;
        Some(Self {
            previous: before.total.minor_units + adjusted_before,
            difference: rated + effects[RATED],
            effects,
        })
    }

    /// The effect with the largest share of the change's direction.
    pub(in crate::report) fn main_effect(&self) -> Option<usize> {
        let direction = self.difference.signum();
        (0..EFFECTS.len())
            .filter(|at| self.effects[*at].signum() == direction && direction != 0)
            .max_by_key(|at| (self.effects[*at].abs(), usize::MAX - at))
    }
}

/// Minutes, free minutes and amount of one service and media, all tiers together.
#[derive(Default)]
struct MediaOfMonth {
    minutes: BigInt,
    free: BigInt,
    amount: BigRational,
}

impl MediaOfMonth {
    /// Average price of a billed minute; none where all were free.
    fn price(&self) -> Option<BigRational> {
        let billed = &self.minutes - &self.free;
        (!billed.is_zero()).then(|| &self.amount / BigRational::from_integer(billed))
    }
}

fn media_of(bill: &Bill) -> BTreeMap<(Service, Media), MediaOfMonth> {
    let mut media: BTreeMap<_, MediaOfMonth> = BTreeMap::new();
    for line in &bill.lines {
        let entry = media.entry((line.service, line.media)).or_default();
        entry.minutes += line.minutes;
        entry.free += line.free_minutes;
        entry.amount += &line.amount;
    }
    media
}

/// What of the lines is neither minutes nor free minutes is a matter of price.
fn exact_effects(
    before: &BTreeMap<(Service, Media), MediaOfMonth>,
    now: &BTreeMap<(Service, Media), MediaOfMonth>,
    before_bill: &Bill,
    now_bill: &Bill,
) -> [BigRational; RATED] {
    let sum = |media: &BTreeMap<_, MediaOfMonth>| -> BigInt {
        media.values().map(|one| &one.minutes).sum()
    };
    let (minutes_before, minutes_now) = (sum(before), sum(now));
    // Without minutes before, there are no shares to keep: all is volume.
    let growth = (!minutes_before.is_zero()).then(|| BigRational::new(minutes_now, minutes_before));
    let mut effects = [(); RATED].map(|()| BigRational::zero());
    let keys: std::collections::BTreeSet<_> = before.keys().chain(now.keys()).collect();
    let nothing = MediaOfMonth::default();
    for key in keys {
        let (old, new) = (before.get(key).unwrap_or(&nothing), now.get(key).unwrap_or(&nothing));
        let [old_price, new_price] = prices(old, new);
        let whole = |value: &BigInt| BigRational::from_integer(value.clone());
        let (old_minutes, new_minutes) = (whole(&old.minutes), whole(&new.minutes));
        let scaled = growth.as_ref().map_or_else(|| new_minutes.clone(), |g| g * &old_minutes);
        effects[0] += &old_price * (&scaled - &old_minutes);
        effects[1] += &old_price * (&new_minutes - &scaled);
        effects[2] += (&new_price - &old_price) * &new_minutes;
        effects[3] += &old_price * whole(&old.free) - &new_price * whole(&new.free);
    }
    effects[4] = charges(now_bill) - charges(before_bill);
    let explained: BigRational = effects.iter().sum();
    effects[2] += &now_bill.exact_total - &before_bill.exact_total - explained;
    effects
}

fn charges(bill: &Bill) -> BigRational {
    bill.charges.iter().map(|charge| &charge.amount).sum()
}

/// Prices of a minute then and now; a month that billed none takes the other's.
fn prices(old: &MediaOfMonth, new: &MediaOfMonth) -> [BigRational; 2] {
    match (old.price(), new.price()) {
        (Some(old), Some(new)) => [old, new],
        (Some(price), None) | (None, Some(price)) => [price.clone(), price],
        (None, None) => [BigRational::zero(), BigRational::zero()],
    }
}

/// The effects in whole units that sum to `total`: cut, then the largest remainders go up.
fn rounded_to(total: i128, effects: &[BigRational; RATED]) -> [i128; RATED] {
    let mut units = [0; RATED];
    let mut order: Vec<(BigRational, usize)> = Vec::with_capacity(effects.len());
    for (at, effect) in effects.iter().enumerate() {
        units[at] = effect.floor().to_integer().to_i128().unwrap_or(0);
        order.push((effect - effect.floor(), at));
    }
    order.sort_by(|(one, a), (other, b)| other.cmp(one).then(a.cmp(b)));
    let mut left = total - units.iter().sum::<i128>();
    // The rounding of the two totals can leave one more unit than there are effects, or one fewer.
    for (_, at) in order.iter().cycle().take(2 * effects.len()) {
        if left > 0 {
            units[*at] += 1;
            left -= 1;
        }
    }
    if let Some((_, at)) = order.last() {
        units[*at] += left;
    }
    units
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{AccountId, Month, ProjectId};
    use crate::rating::{PriceBook, rate};
    use crate::report::sample::day_usage;

    /// A month of audio, HD and Full HD minutes.
    fn bill(month: &str, minutes: [u32; 3]) -> Bill {
        let month = Month::parse(month).expect("valid");
        let id = ProjectId::new("p").expect("valid");
        let mut row = day_usage(&id, month.first_day(), Service::Rtc);
        for (media, minutes) in [Media::Audio, Media::Hd, Media::FullHd].into_iter().zip(minutes) {
            row.seconds[media.index()] = Some(i64::from(minutes) * 60);
        }
        let book = PriceBook::embedded("tiered").expect("known").expect("valid");
        rate(&AccountId::new("a").expect("valid"), month, &[row], &book).expect("rated")
    }

    fn change(before: [u32; 3], now: [u32; 3]) -> Change {
        let (before, now) = (bill("2031-02", before), bill("2031-03", now));
        Change::between((&before, 0), (&now, 0)).expect("one currency")
    }

    #[test]
    fn twice_the_minutes_is_volume_and_the_free_minutes_stay() {
        let change = change([0, 20_000, 0], [0, 40_000, 0]);
        assert_eq!(change.previous, 3_990);
        assert_eq!(change.difference, 7_980);
        assert_eq!(change.effects, [7_980, 0, 0, 0, 0, 0]);
        assert_eq!(change.main_effect(), Some(0));
    }

    #[test]
    fn other_media_for_the_same_minutes_is_mix() {
        let change = change([0, 30_000, 0], [0, 20_000, 10_000]);
        assert_eq!(change.effects, [0, 5_000, 0, 0, 0, 0]);
        assert_eq!(change.main_effect(), Some(1));
    }

    #[test]
    fn a_deeper_tier_is_price() {
        let change = change([0, 110_000, 0], [0, 210_000, 0]);
        assert!(change.effects[2] < 0, "{change:?}");
        assert_eq!(change.main_effect(), Some(0));
    }

    #[test]
    fn free_minutes_that_cover_dearer_media_are_worth_more() {
        let change = change([10_000, 10_000, 0], [0, 20_000, 0]);
        assert!(change.effects[3] < 0, "{change:?}");
    }

    /// 60,000 minutes of audio by a book that extends a built-in one by some lines.
    fn audio_by(base: &str, lines: &str, month: &str) -> Bill {
        let month = Month::parse(month).expect("valid");
        let id = ProjectId::new("p").expect("valid");
        let mut row = day_usage(&id, month.first_day(), Service::Rtc);
        row.seconds[Media::Audio.index()] = Some(3_600_000);
        let text = format!("name = 'contract'\nextends = '{base}'\n{lines}\n");
        let book = PriceBook::parse("contract.toml", &text).expect("a valid book");
        rate(&AccountId::new("a").expect("valid"), month, &[row], &book).expect("rated")
    }

    #[test]
    fn adjustments_of_both_months_are_an_effect_of_their_own() {
        let (before, now) = (bill("2031-02", [0, 20_000, 0]), bill("2031-03", [0, 40_000, 0]));
        let change = Change::between((&before, 500), (&now, -1_234)).expect("one currency");
        assert_eq!((change.previous, change.difference), (4_490, 6_246));
        assert_eq!(change.effects, [7_980, 0, 0, 0, 0, -1_734]);
    }

    #[test]
    fn a_package_and_overage_are_charges_and_no_price() {
        let before = audio_by("standard-usd", "", "2031-02");
        let now = audio_by("standard-usd", "package = 'Starter'\ntax_percent = '10'", "2031-03");
        let change = Change::between((&before, 0), (&now, 0)).expect("one currency");
        assert_ne!(change.difference, 0);
        assert_eq!(change.effects, [0, 0, 0, 0, change.difference, 0]);
        assert_eq!(change.main_effect().map(|at| EFFECTS[at].0), Some("charges"));
    }

    #[test]
    fn a_discount_beside_the_lines_is_a_charge_and_their_price_stays() {
        let before = audio_by("tiered-usd", "", "2031-02");
        let now = audio_by("tiered-usd", "discount_percent = '10'", "2031-03");
        let change = Change::between((&before, 0), (&now, 0)).expect("one currency");
        assert_eq!(change.effects, [0, 0, 0, 0, change.difference, 0]);
        assert_eq!(change.difference, -495);
    }

    #[test]
    fn a_first_month_is_volume_alone_and_nothing_has_no_cause() {
        assert_eq!(change([0, 0, 0], [0, 20_000, 0]).effects, [7_980, 0, 0, -3_990, 0, 0]);
        let nothing = change([0, 0, 0], [0, 0, 0]);
        assert_eq!((nothing.effects, nothing.main_effect()), ([0; 6], None));
    }

    proptest! {
        #[test]
        fn the_effects_sum_to_the_change(
            before in proptest::array::uniform3(0_u32..2_000_000),
            now in proptest::array::uniform3(0_u32..2_000_000),
        ) {
            let change = change(before, now);
            prop_assert_eq!(change.effects.iter().sum::<i128>(), change.difference);
            prop_assert_eq!(change.effects[4..].to_vec(), [0, 0]);
        }
    }
}
