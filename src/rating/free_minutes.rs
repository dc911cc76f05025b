//! Second step: the free minutes of the account, taken in the book's order.
//!
//! Owns who gets how many. They belong to the account and the calendar month:
//! no project, service or day has free minutes of its own.

use super::PriceBook;
use super::minutes::LineMinutes;
use super::price_book::Readings;
use super::price_book::readings::HdpTurn;
use crate::domain::Media;

/// Free minutes of each line, in the order of `lines`.
///
/// A line whose service and media are not in the book's order gets none.
/// Source: Agora's FAQ on the 10,000 free minutes, 2018 to 2021.
#[must_use]
pub fn grant(lines: &[LineMinutes], book: &PriceBook, readings: &Readings) -> Vec<u128> {
    let mut order: Vec<(Turn, usize)> = lines
        .iter()
        .enumerate()
        .filter_map(|(index, line)| Some((turn(line, book, readings)?, index)))
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

/// A place in the book's order, and a place behind it.
type Turn = (usize, usize);

fn turn(line: &LineMinutes, book: &PriceBook, readings: &Readings) -> Option<Turn> {
    let own = book.free_position((line.service, line.kind, line.media))?;
    if readings.hdp_turn == HdpTurn::AfterFullHd && line.media == Media::Hdp {
        let is_full_hd = |(_, _, media): &(_, _, Media)| *media == Media::FullHd;
        if let Some(last_full_hd) = book.free_order().iter().rposition(is_full_hd) {
            return Some((last_full_hd, own + 1));
        }
    }
    Some((own, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Service;
    use crate::rating::price_book::LineKind;
    use crate::rating::tests::support::{book, changed, exact};

    fn granted(used: &[(Service, Media, u128)], book: &PriceBook) -> Vec<u128> {
        let line = |&(service, media, minutes): &(Service, Media, u128)| LineMinutes {
            service,
            kind: LineKind::Usage,
            media,
            seconds: minutes * 60,
            minutes,
            unit_price_per_1000: exact("1"),
        };
        grant(&used.iter().map(line).collect::<Vec<_>>(), book, &book.readings())
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
        let book = changed("tiered", &[("\"2021-04\"", "[\"rtc.audio\", \"rtc.hd\"]")]);
        let used = [(Service::Miniapp, Media::Audio, 500), (Service::Rtc, Media::Hd, 500)];
        assert_eq!(granted(&used, &book), [0, 500]);
    }

    #[test]
    fn hd_plus_can_be_read_as_taking_its_turn_by_its_price() {
        use Media::{FullHd, Hdp};
        let book = book("tiered");
        let line = |media, minutes| LineMinutes {
            service: Service::Recording,
            kind: LineKind::Usage,
            media,
            seconds: minutes * 60,
            minutes,
            unit_price_per_1000: exact("1"),
        };
        let lines = [line(Hdp, 8_000), line(FullHd, 8_000)];
        let documented = book.readings();
        let by_price = Readings { hdp_turn: HdpTurn::AfterFullHd, ..documented };
        assert_eq!(grant(&lines, &book, &documented), [8_000, 2_000]);
        assert_eq!(grant(&lines, &book, &by_price), [2_000, 8_000]);
    }

    #[test]
    fn the_documented_orders_differ_by_their_time() {
        let order = |name: &str| changed("tiered", &[("\"2021-04\"", &format!("\"{name}\""))]);
        let first = |name| {
            let book = order(name);
            let words = book.free_order().iter().take(6);
            words
                .map(|(service, kind, media)| format!("{}.{media}", kind.label(*service)))
                .collect()
        };
        let of_2021_01: Vec<String> = first("2021-01");
        assert_eq!(
            of_2021_01,
            [
                "rtc.audio",
                "recording.audio",
                "cloud_recording.audio",
                "miniapp.audio",
                "rtc.hd",
                "recording.hd"
            ]
        );
        assert_eq!(first("2018"), of_2021_01);
        let of_2021_04: Vec<String> = first("2021-04");
        assert_eq!(of_2021_04[..2], ["rtc_audience.audio", "rtc.audio"]);
        let hdp = (Service::Rtc, LineKind::Usage, Media::Hdp);
        let has_hdp = |name| order(name).free_position(hdp).is_some();
        assert_eq!(["2018", "2021-01", "2021-04", "today"].map(has_hdp), [true, true, true, false]);
    }

    #[test]
    fn hd_plus_right_behind_full_hd_comes_after_it_wherever_it_stood() {
        use Media::{FullHd, Hdp};
        for (order, free) in [
            ("[\"rtc.hdp\", \"rtc.full_hd\"]", [2_000, 8_000]),
            ("[\"rtc.audio\", \"rtc.hdp\", \"rtc.full_hd\"]", [2_000, 8_000]),
            ("[\"rtc.hdp\"]", [8_000, 0]),
        ] {
            let book = changed("tiered", &[("\"2021-04\"", order)]);
            let line = |media| LineMinutes {
                service: Service::Rtc,
                kind: LineKind::Usage,
                media,
                seconds: 480_000,
                minutes: 8_000,
                unit_price_per_1000: exact("1"),
            };
            let by_price = Readings { hdp_turn: HdpTurn::AfterFullHd, ..book.readings() };
            assert_eq!(grant(&[line(Hdp), line(FullHd)], &book, &by_price), free, "{order}");
        }
    }
}
