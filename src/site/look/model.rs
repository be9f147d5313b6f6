//! What a look is, and the style that it becomes. Pure.

use std::fmt::{self, Write};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::ValueEnum;
use serde::Serialize;

use super::{color::Color, logo::LogoTag};
use crate::language::Language;

/// What text needs (WCAG 2.2, 1.4.3).
const CONTRAST_MIN: f64 = 4.5;
/// What a dark accent of our own making has.
const CONTRAST_DERIVED: f64 = 5.5;

/// One of the two ways in which a page is shown, with the colours that `account.css` gives it.
struct Scheme {
    name: &'static str,
    paper: Color,
    raised: Color,
    /// The text on buttons.
    on_accent: Color,
    /// How much of the accent, in percent, is in the tint that badges stand on.
    tint: u8,
    /// Where colours that stand out more are found.
    away: Color,
}

const LIGHT: Scheme = Scheme {
    name: "light",
    paper: Color::new(0xfa, 0xf9, 0xf6),
    raised: Color::new(0xff, 0xff, 0xff),
    on_accent: Color::new(0xff, 0xff, 0xff),
    tint: 8,
    away: Color::new(0, 0, 0),
};
const DARK: Scheme = Scheme {
    name: "dark",
    paper: Color::new(0x15, 0x16, 0x19),
    raised: Color::new(0x1d, 0x1f, 0x23),
    on_accent: Color::new(0x10, 0x12, 0x16),
    tint: 14,
    away: Color::new(255, 255, 255),
};

/// The colour of a site, for links and buttons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accent {
    /// On light paper.
    pub light: Color,
    /// On dark paper, where the publisher chose one.
    pub dark: Option<Color>,
}

/// Our own, for sites that have none.
const ACCENT: Accent =
    Accent { light: Color::new(0x1a, 0x4f, 0x8b), dark: Some(Color::new(0x9c, 0xc4, 0xf5)) };

/// An accent that some readers could not read.
#[derive(Debug, Clone, PartialEq)]
pub struct LowContrast {
    color: Color,
    scheme: &'static str,
    on: Color,
    ratio: f64,
    /// One like it that could be read.
    better: Color,
}

impl std::error::Error for LowContrast {}

impl fmt::Display for LowContrast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { color, scheme, on, ratio, better } = self;
        // Rounded down: 4.496 is not 4.5.
        let ratio = (ratio * 100.0).floor() / 100.0;
        write!(
            f,
            "the accent {color} has a contrast of {ratio:.2} with {on} on {scheme} pages; \
             text needs {CONTRAST_MIN} at least, and {better} would have it"
        )
    }
}

impl Scheme {
    /// The colour that `accent` stands out least from, of all that it is seen beside, and by how
    /// much.
    fn worst(&self, accent: Color) -> (Color, f64) {
        let beside = [self.raised, accent.mixed(self.tint, self.raised), self.on_accent];
        let pairs = beside.map(|color| (color, accent.contrast(color)));
        let paper = (self.paper, accent.contrast(self.paper));
        pairs.into_iter().fold(paper, |least, pair| if pair.1 < least.1 { pair } else { least })
    }

    /// The colour nearest to `accent` that has `contrast` with all of them: darker on light pages,
    /// lighter on dark ones.
    fn readable(&self, accent: Color, contrast: f64) -> Color {
        let mut mixes = (0..=100).map(|step| accent.mixed(100 - step, self.away));
        mixes.find(|mix| self.worst(*mix).1 >= contrast).unwrap_or(self.away)
    }

    fn check(&self, color: Color) -> Result<(), LowContrast> {
        let (on, ratio) = self.worst(color);
        if ratio >= CONTRAST_MIN {
            return Ok(());
        }
        let better = self.readable(color, CONTRAST_MIN);
        Err(LowContrast { color, scheme: self.name, on, ratio, better })
    }
}

impl Accent {
    /// Checks that it can be read wherever pages show it. What was stored is not checked again:
    /// pages whose paper we change must not become pages that cannot be shown.
    ///
    /// # Errors
    /// [`LowContrast`].
    pub fn checked(self) -> Result<Self, LowContrast> {
        LIGHT.check(self.light)?;
        self.dark.map_or(Ok(()), |dark| DARK.check(dark))?;
        Ok(self)
    }

    /// On dark paper: as chosen, or the light one made lighter.
    #[must_use]
    pub fn on_dark(self) -> Color {
        self.dark.unwrap_or_else(|| DARK.readable(self.light, CONTRAST_DERIVED))
    }
}

/// The type of headings. No font is loaded: each is a list of what readers' systems have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Font {
    /// Like a newspaper.
    #[default]
    Serif,
    /// Like a poster.
    Sans,
    /// Like the reader's system.
    System,
}

impl Font {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Serif, Self::Sans, Self::System];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Serif => "serif",
            Self::Sans => "sans",
            Self::System => "system",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|font| font.as_str() == text)
    }

    /// What CSS calls it; nothing where `account.css` has it already.
    fn stack(self) -> Option<&'static str> {
        match self {
            Self::Serif => None,
            Self::Sans => {
                Some("\"Avenir Next\",Avenir,\"Helvetica Neue\",Helvetica,Arial,sans-serif")
            }
            Self::System => Some("var(--text)"),
        }
    }
}

/// How a site looks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Look {
    /// Its colour, where it has one of its own.
    pub accent: Option<Accent>,
    /// The type of its headings.
    pub font: Font,
    /// The only language it speaks, if there is only one.
    pub language: Option<Language>,
    /// Its logo, if it has one.
    pub logo: Option<LogoTag>,
}

impl Look {
    /// Its colour, or ours: on light paper and on dark.
    #[must_use]
    pub fn accents(&self) -> (Color, Color) {
        let accent = self.accent.unwrap_or(ACCENT);
        (accent.light, accent.on_dark())
    }

    /// What `account.css` must be told; empty where the site looks as any.
    #[must_use]
    pub fn css(&self) -> String {
        let mut css = String::new();
        if let Some(stack) = self.font.stack() {
            let _ = writeln!(css, ":root{{--display:{stack}}}");
        }
        if self.accent.is_some() {
            let (light, dark) = self.accents();
            for (scheme, accent) in [(LIGHT, light), (DARK, dark)] {
                // Paper is printed in black.
                let _ = writeln!(
                    css,
                    "@media screen and (prefers-color-scheme:{}){{:root{{--accent:{accent};\
                     --on-accent:{}}}}}",
                    scheme.name, scheme.on_accent
                );
            }
        }
        css
    }
}

/// The style that a look becomes, made once for all pages that ask where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    /// Empty where the look is our own.
    pub css: String,
    /// Changes whenever the style does.
    pub version: String,
}

impl Style {
    /// The style of `look`.
    #[must_use]
    pub fn of(look: &Look) -> Self {
        let css = look.css();
        Self { version: version(css.as_bytes()), css }
    }
}

/// Changes whenever `content` does. For addresses that may be kept for ever.
#[must_use]
pub fn version(content: &[u8]) -> String {
    let hash = digest(&SHA256, content);
    URL_SAFE_NO_PAD.encode(hash.as_ref().get(..9).unwrap_or_default())
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
