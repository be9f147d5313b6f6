//! In whose name a letter is, and in which colours. Pure.

use crate::site::{
    directory::LiveSite,
    look::{api::logo_path, color::Color, logo::Picture, model},
};

const WHITE: Color = Color::new(0xff, 0xff, 0xff);
const BLACK: Color = Color::new(0x10, 0x12, 0x16);

/// How a publisher's letters look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// In whose name we write.
    pub publisher: String,
    /// The colour of what is to be pressed.
    pub accent: Color,
    /// The same where the reader's programs are dark.
    pub accent_dark: Color,
    /// The address of a picture with the publisher's name; the same for every reader, so that
    /// nobody learns who looked at it.
    pub logo: Option<String>,
}

impl Look {
    /// How letters look where nobody chose.
    #[must_use]
    pub fn plain(publisher: &str) -> Self {
        let (accent, accent_dark) = model::Look::default().accents();
        Self { publisher: publisher.to_owned(), accent, accent_dark, logo: None }
    }

    /// What is written in on the accent.
    #[must_use]
    pub fn ink(&self) -> Color {
        ink(self.accent)
    }

    /// What is written in on the dark one.
    #[must_use]
    pub fn ink_dark(&self) -> Color {
        ink(self.accent_dark)
    }

    /// How the letters of `site` look. Of its logo, only what every program for mail can show.
    #[must_use]
    pub fn of_site(site: &LiveSite, public_url: &str) -> Self {
        let (accent, accent_dark) = site.look.accents();
        let is_png = site.look.logo.as_ref().is_some_and(|logo| logo.picture == Picture::Png);
        let logo = logo_path(site).filter(|_| is_png).map(|path| format!("{public_url}{path}"));
        Self { publisher: site.site.name.clone(), accent, accent_dark, logo }
    }
}

/// What to write in on `color`, so that it can be read.
fn ink(color: Color) -> Color {
    if color.contrast(WHITE) >= color.contrast(BLACK) { WHITE } else { BLACK }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_on_a_button_can_be_read() {
        let Look { accent, accent_dark, .. } = Look::plain("The Fathom");
        for color in [accent, accent_dark, WHITE, BLACK, Color::new(0xff, 0xd4, 0)] {
            assert!(color.contrast(ink(color)) >= 4.5, "{color}");
        }
        assert_eq!((ink(accent), ink(accent_dark)), (WHITE, BLACK));
    }
}
