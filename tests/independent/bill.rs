// A bill of the tiered plan in US dollars, worked out a second time from the
// rules in words and the printed prices. Shares no code with the program; read
// into the tests of `src/rating` and into `tests/it`.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::ToPrimitive;

/// Services in the order in which free minutes are taken, of those with a price.
pub(crate) const SERVICES: [&str; 4] = ["rtc", "recording", "cloud_recording", "miniapp"];

/// Media in the order in which free minutes are taken (FAQ of April 2021); SD is HD.
const FREE_ORDER: [&str; 6] = ["audio", "hd", "hdp", "full_hd", "2k", "2k_plus"];

const FREE_MINUTES: i128 = 10_000;

/// First billable minute of each tier, and the discount in per cent.
const TIERS: [(i128, i128); 4] = [(0, 0), (100_000, 5), (500_000, 7), (1_000_000, 10)];

/// Seconds of a project, service and media, such as `("P1", "rtc", "2k", 60)`.
pub(crate) type Used<'a> = (&'a str, &'a str, &'a str, i64);

/// List price in cents for 1,000 minutes; HD+ without one costs what Full HD does.
pub(crate) fn price_cents(service: &str, media: &str) -> Option<i128> {
    let prices: [i128; 6] = match service {
        "rtc" => [99, 399, 899, 899, 1_599, 3_599],
        "recording" => [99, 399, 1_499, 899, 1_599, 3_599],
        "cloud_recording" => [149, 599, 2_249, 1_349, 2_399, 5_399],
        "miniapp" if media == "audio" => return Some(142),
        _ => return None,
    };
    let media = if media == "sd" { "hd" } else { media };
    FREE_ORDER.iter().position(|known| *known == media).map(|at| prices[at])
}

/// Line of the bill: place in the order of services, place in the order of media.
type Line = (usize, usize);

fn line_of(service: &str, media: &str) -> Line {
    let media = if media == "sd" { "hd" } else { media };
    let place = |order: &[&str], name: &str| order.iter().position(|known| *known == name);
    (place(&SERVICES, service).expect("priced"), place(&FREE_ORDER, media).expect("priced"))
}

/// What each line costs, in 1e-7 of a dollar: a minute's price in cents has three
/// decimals, and a discount of whole per cent two more.
fn amounts(usage: &[Used]) -> BTreeMap<Line, i128> {
    let mut seconds: BTreeMap<(&str, &str), i128> = BTreeMap::new();
    for (_, service, media, used) in usage {
        *seconds.entry((service, media)).or_default() += i128::from(*used);
    }
    let mut minutes: BTreeMap<Line, (i128, i128)> = BTreeMap::new();
    for ((service, media), used) in seconds {
        let price = price_cents(service, media).expect("priced");
        let line = minutes.entry(line_of(service, media)).or_insert((price, 0));
        line.1 += (used + 59).div_euclid(60);
    }
    let mut free_left = FREE_MINUTES;
    let mut free_first: Vec<_> = minutes.into_iter().collect();
    free_first.sort_by_key(|((service, media), _)| (*media, *service));
    let billable = free_first.into_iter().enumerate().map(|(place, (line, (price, minutes)))| {
        let free = minutes.min(free_left);
        free_left -= free;
        (price, place, line, minutes - free)
    });
    let mut cheapest_first: Vec<_> = billable.collect();
    cheapest_first.sort_unstable();
    let mut filled = 0;
    let mut amounts = BTreeMap::new();
    for (price, _, line, billable) in cheapest_first {
        let mut amount = 0;
        for (tier, (start, discount)) in TIERS.into_iter().enumerate() {
            let end = TIERS.get(tier + 1).map_or(i128::MAX, |(next, _)| *next);
            let inside = (filled + billable).min(end) - filled.max(start);
            amount += inside.max(0) * price * (100 - discount);
        }
        filled += billable;
        amounts.insert(line, amount);
    }
    amounts
}

/// The total in cents, rounded half up.
pub(crate) fn total_cents(usage: &[Used]) -> i128 {
    (amounts(usage).values().sum::<i128>() + 50_000).div_euclid(100_000)
}

/// The total in cents split over the projects by largest remainder, ties to the smaller id.
pub(crate) fn project_cents(usage: &[Used]) -> BTreeMap<String, i128> {
    let amounts = amounts(usage);
    let mut line_seconds: BTreeMap<Line, i128> = BTreeMap::new();
    for (_, service, media, used) in usage {
        *line_seconds.entry(line_of(service, media)).or_default() += i128::from(*used);
    }
    let zero = || BigRational::from_integer(BigInt::ZERO);
    let mut weights: BTreeMap<&str, BigRational> = BTreeMap::new();
    for (project, service, media, used) in usage {
        let line = line_of(service, media);
        let weight = weights.entry(project).or_insert_with(zero);
        if *used > 0 {
            let amount = BigInt::from(amounts[&line]) * BigInt::from(*used);
            *weight += BigRational::new(amount, line_seconds[&line].into());
        }
    }
    let whole = weights.values().fold(zero(), |sum, weight| sum + weight);
    let total = total_cents(usage);
    if whole == zero() {
        return weights.into_keys().map(|project| (project.to_owned(), 0)).collect();
    }
    let exact = |weight: &BigRational| weight * BigRational::from_integer(total.into()) / &whole;
    let floor = |share: &BigRational| share.floor().to_integer().to_i128().expect("of the total");
    let shares: Vec<_> =
        weights.iter().map(|(project, weight)| (*project, exact(weight))).collect();
    let mut parts: BTreeMap<String, i128> =
        shares.iter().map(|(project, share)| ((*project).to_owned(), floor(share))).collect();
    let mut by_remainder: Vec<_> =
        shares.iter().map(|(project, share)| (share.floor() - share, *project)).collect();
    by_remainder.sort();
    let left = usize::try_from(total - parts.values().sum::<i128>()).expect("rounded down");
    for (_, project) in by_remainder.into_iter().take(left) {
        *parts.get_mut(project).expect("a part") += 1;
    }
    parts
}
