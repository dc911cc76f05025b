//! The documented orders in which the free minutes are taken, by the time that they date from.
//!
//! The mini app follows cloud recording, as Agora's Chinese pages of 2021 place
//! it; the English FAQ does not list it.

use super::{LineKind, PricedType};
use crate::domain::{Media, Service};

/// Names of the orders, as books write them.
pub(super) const NAMES: [&str; 4] = ["2018", "2021-01", "2021-04", "today"];

/// The order of that name, if there is one.
///
/// - `2018` (FAQ of 2018 to 2020): audio, video up to 720p, video above it; its
///   services in the order of 2021, since that FAQ names none.
/// - `2021-01` (FAQ of January 2021): audio of rtc, on-premise and cloud
///   recording, then HD of the three, then HD+ of the three.
/// - `2021-04` (FAQ of April 2021): broadcast audience before rtc before
///   on-premise before cloud recording, within each of audio, HD, HD+, Full HD,
///   2K and 2K+.
/// - `today`: the same without HD+.
pub(super) fn named(name: &str) -> Option<Vec<PricedType>> {
    use Media::{Audio, FullHd, Hd, Hdp, Video2k, Video2kPlus};
    let (media, with_audience): (&[Media], bool) = match name {
        "2018" | "2021-01" => (&[Audio, Hd, Hdp], false),
        "2021-04" => (&[Audio, Hd, Hdp, FullHd, Video2k, Video2kPlus], true),
        "today" => (&[Audio, Hd, FullHd, Video2k, Video2kPlus], true),
        _ => return None,
    };
    let parts = [
        (Service::Rtc, LineKind::Audience),
        (Service::Rtc, LineKind::Usage),
        (Service::Recording, LineKind::Usage),
        (Service::CloudRecording, LineKind::Usage),
        (Service::Miniapp, LineKind::Usage),
    ];
    let parts = &parts[usize::from(!with_audience)..];
    let mut order = Vec::with_capacity(media.len() * parts.len());
    for media in media {
        order.extend(parts.iter().map(|(service, kind)| (*service, *kind, *media)));
    }
    Some(order)
}
