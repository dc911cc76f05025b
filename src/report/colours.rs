//! One colour a media, everywhere.
//!
//! From audio to 2K+ each is darker than the one before it in the light scheme,
//! and likewise in the dark one, so that they stay apart for every kind of
//! eye and on a printer without colours; the hues differ as well.

use crate::domain::Media;

/// Colours of a media: on white, and on a dark ground.
#[derive(Debug, Clone, Copy)]
pub(super) struct MediaColour {
    /// On white, `0xRRGGBB`.
    pub(super) light: u32,
    /// On a dark ground, `0xRRGGBB`.
    pub(super) dark: u32,
}

/// By [`Media::index`].
const COLOURS: [MediaColour; Media::COUNT] = [
    MediaColour { light: 0x00d8_8406, dark: 0x00fd_e1b6 },
    MediaColour { light: 0x0030_91a4, dark: 0x0099_d5e1 },
    MediaColour { light: 0x0018_74dc, dark: 0x0087_b8f2 },
    MediaColour { light: 0x00b9_2e68, dark: 0x00e0_84aa },
    MediaColour { light: 0x000e_6347, dark: 0x0017_a072 },
    MediaColour { light: 0x0064_2b95, dark: 0x009c_60d1 },
    MediaColour { light: 0x005e_2917, dark: 0x00ae_4c2c },
];

/// The colours of a media.
pub(super) const fn of(media: Media) -> MediaColour {
    COLOURS[media.index()]
}

/// `#rrggbb`.
pub(super) fn css(colour: u32) -> String {
    format!("#{colour:06x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: u32 = 0x00ff_ffff;
    const DARK_GROUND: u32 = 0x0014_171c;

    /// Relative luminance as WCAG 2 defines it.
    fn luminance(colour: u32) -> f64 {
        let part = |shift: u32| {
            let value = f64::from((colour >> shift) & 0xff) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0)
    }

    fn contrast(one: u32, other: u32) -> f64 {
        let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
        (one / other).max(other / one)
    }

    #[test]
    fn media_stay_apart_without_colour_and_stand_out_from_the_ground() {
        for scheme in [|colour: MediaColour| colour.light, |colour: MediaColour| colour.dark] {
            let colours = Media::ALL.map(|media| scheme(of(media)));
            for pair in colours.windows(2) {
                assert!(luminance(pair[0]) > luminance(pair[1]), "{pair:06x?}");
                assert!(contrast(pair[0], pair[1]) > 1.2, "{pair:06x?}");
            }
        }
        for media in Media::ALL {
            assert!(contrast(of(media).light, WHITE) >= 2.9, "{media}");
            assert!(contrast(of(media).dark, DARK_GROUND) >= 3.0, "{media}");
        }
    }
}
