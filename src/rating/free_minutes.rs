//! Second step: the free minutes of the account, taken in the book's order.
//!
//! Owns who gets how many. They belong to the account and the calendar month:
//! no project, service or day has free minutes of its own.

use super::PriceBook;
use super::minutes::LineMinutes;

/// Free minutes of each line, in the order of `lines`.
///
/// A line whose service and media are not in the book's order gets none.
/// Source: Agora's FAQ on the 10,000 free minutes, 2021.
#[must_use]
pub fn grant(lines: &[LineMinutes], book: &PriceBook) -> Vec<u128> {
    let mut order: Vec<(usize, usize)> = lines
        .iter()
        .enumerate()
        .filter_map(|(index, line)| Some((book.free_position(line.service, line.media)?, index)))
        .collect();
    order.sort_unstable();
    let mut left = u128::from(book.free_minutes);
    let mut free = vec![0; lines.len()];
    for (_, index) in order {
        free[index] = lines[index].minutes.min(left);
        left -= free[index];
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Media, Service};
    use crate::rating::tests::support::{book, changed, exact};

    fn granted(used: &[(Service, Media, u128)], book: &PriceBook) -> Vec<u128> {
        let line = |&(service, media, minutes): &(Service, Media, u128)| LineMinutes {
            service,
            media,
            seconds: minutes * 60,
            minutes,
            unit_price_per_1000: exact("1"),
        };
        grant(&used.iter().map(line).collect::<Vec<_>>(), book)
    }

    #[test]
    fn c30_free_minutes_follow_the_order_of_the_book() {
        use Media::{Audio, FullHd, Hd, Hdp};
        use Service::{CloudRecording, Recording, Rtc};
        let book = book("tiered");
        for (used, free) in [
            (&[(Rtc, Audio, 9_000), (Rtc, Hd, 3_000)][..], &[9_000, 1_000][..]),
            (&[(Rtc, Hd, 9_000), (Recording, Audio, 3_000)], &[7_000, 3_000]),
            (&[(Rtc, Audio, 10_000), (Rtc, Hd, 1)], &[10_000, 0]),
            (&[(Rtc, FullHd, 6_000), (CloudRecording, Hdp, 6_000)], &[4_000, 6_000]),
            (&[(Recording, Hd, 5), (CloudRecording, Audio, 5)], &[5, 5]),
            (&[], &[]),
        ] {
            assert_eq!(granted(used, &book), free, "{used:?}");
        }
    }

    #[test]
    fn usage_outside_the_order_gets_no_free_minutes() {
        let book = changed("tiered", &[("\"miniapp.audio\",", "")]);
        let used = [(Service::Miniapp, Media::Audio, 500), (Service::Rtc, Media::Hd, 500)];
        assert_eq!(granted(&used, &book), [0, 500]);
    }
}
