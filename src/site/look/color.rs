//! Colours, and whether one can be read on another (WCAG 2.2). Pure.

use std::{fmt, str::FromStr};

/// A colour of sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color {
    red: u8,
    green: u8,
    blue: u8,
}

/// What is no colour.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no color such as `#1a4f8b`")]
pub struct InvalidColor(String);

impl FromStr for Color {
    type Err = InvalidColor;

    /// Reads `#rrggbb`.
    fn from_str(text: &str) -> Result<Self, InvalidColor> {
        let digits = text.strip_prefix('#').filter(|digits| {
            digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let [_, red, green, blue] =
            number.ok_or_else(|| InvalidColor(text.to_owned()))?.to_be_bytes();
        Ok(Self { red, green, blue })
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

impl Color {
    /// From its three parts.
    #[must_use]
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// How bright it is: 0 is black and 1 is white.
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    /// The contrast between the two, from 1 (none) to 21 (black and white).
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance() + 0.05, other.luminance() + 0.05);
        one.max(two) / one.min(two)
    }

    /// `percent` of this colour in `other`, as `color-mix(in srgb, …)` of CSS mixes them.
    #[must_use]
    pub fn mixed(self, percent: u8, other: Self) -> Self {
        let mix = |one: u8, two: u8| {
            let (one, two, share) = (u32::from(one), u32::from(two), u32::from(percent.min(100)));
            u8::try_from((one * share + two * (100 - share) + 50) / 100).unwrap_or(u8::MAX)
        };
        Self {
            red: mix(self.red, other.red),
            green: mix(self.green, other.green),
            blue: mix(self.blue, other.blue),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: Color = Color::new(255, 255, 255);
    const BLACK: Color = Color::new(0, 0, 0);

    #[test]
    fn a_color_is_six_digits_behind_a_hash() {
        for (text, written) in [("#1a4f8b", "#1a4f8b"), ("#FFFFFF", "#ffffff")] {
            assert_eq!(text.parse::<Color>().unwrap().to_string(), written);
        }
        for wrong in ["", "#", "1a4f8b", "#fff", "#1a4f8b0", "#+1a4f8", "#gggggg", "red", "#é1a4f"]
        {
            assert!(wrong.parse::<Color>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn contrasts_are_those_of_the_standard() {
        // As WebAIM's checker says.
        for (color, expected) in [
            (BLACK, 21.0),
            (WHITE, 1.0),
            (Color::new(0x76, 0x76, 0x76), 4.54),
            (Color::new(0x77, 0x77, 0x77), 4.48),
            (Color::new(0x1a, 0x4f, 0x8b), 8.28),
            (Color::new(0xff, 0, 0), 4.0),
        ] {
            let ratio = color.contrast(WHITE);
            assert!((ratio - expected).abs() < 0.01, "{color}: {ratio}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_and_a_mix_lies_between(rgb: [u8; 3], percent in 0_u8..=100) {
            let color = Color::new(rgb[0], rgb[1], rgb[2]);
            proptest::prop_assert_eq!(color.to_string().parse::<Color>(), Ok(color));
            let mixed = color.mixed(percent, WHITE);
            proptest::prop_assert!(mixed.luminance() >= color.luminance());
            proptest::prop_assert_eq!(color.mixed(100, BLACK), color);
            proptest::prop_assert_eq!(color.mixed(0, BLACK), BLACK);
            let difference = color.contrast(BLACK) - BLACK.contrast(color);
            proptest::prop_assert!(difference.abs() < f64::EPSILON);
        }
    }
}
