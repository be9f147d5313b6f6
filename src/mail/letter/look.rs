//! In whose name a letter is, and in which colour. Pure.

use std::fmt;

/// How a publisher's letters look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// In whose name we write.
    pub publisher: String,
    /// The colour of what is to be pressed.
    pub accent: Color,
    /// A picture with the publisher's name.
    pub logo: Option<String>,
}

impl Look {
    /// How letters look where nobody chose.
    #[must_use]
    pub fn plain(publisher: &str) -> Self {
        Self { publisher: publisher.to_owned(), accent: Color([0x1a, 0x4f, 0x8b]), logo: None }
    }
}

/// A colour: red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color([u8; 3]);

/// The text is no colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a colour such as #1a4f8b")]
pub struct InvalidColor;

impl Color {
    /// Reads a colour such as `#1a4f8b`.
    ///
    /// # Errors
    /// [`InvalidColor`].
    pub fn parse(text: &str) -> Result<Self, InvalidColor> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6);
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let [_, red, green, blue] = number.ok_or(InvalidColor)?.to_be_bytes();
        Ok(Self([red, green, blue]))
    }

    /// Black or white, whichever reads better on it (WCAG 2.2, contrast ratio).
    #[must_use]
    pub fn ink(self) -> &'static str {
        // At this luminance both have the same contrast: sqrt(1.05 * 0.05) - 0.05.
        if self.luminance() > 0.179 { "#000000" } else { "#ffffff" }
    }

    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let channel = f64::from(channel) / 255.0;
            if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
        };
        let Self([red, green, blue]) = self;
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([red, green, blue]) = self;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_on_a_colour_can_be_read() {
        for (color, ink) in [
            ("#1a4f8b", "#ffffff"),
            ("#000000", "#ffffff"),
            ("#ffd400", "#000000"),
            ("#FFFFFF", "#000000"),
            ("#767676", "#000000"),
        ] {
            let parsed = Color::parse(color).unwrap();
            assert_eq!((parsed.to_string(), parsed.ink()), (color.to_lowercase(), ink));
        }
    }

    #[test]
    fn nothing_else_is_a_colour() {
        for text in ["", "#", "red", "#12345", "#1234567", "#+12345", "#12345é", "#1a4f8b;}"] {
            assert_eq!(Color::parse(text), Err(InvalidColor), "{text}");
        }
    }
}
