//! The logo of a site: a picture that its publisher gave us. Pure.

use super::model::version;

/// Most bytes of a logo: pages are to be light.
pub const LOGO_MAX: usize = 64 * 1024;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// What a picture is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    /// Of lines and shapes.
    Svg,
    /// Of points.
    Png,
    /// Of points, smaller.
    WebP,
}

impl Picture {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Svg, Self::Png, Self::WebP];

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
        }
    }

    /// Reads a media type.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|picture| picture.media_type() == text)
    }

    /// What the first bytes say, whatever a file is called.
    fn sniffed(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(PNG) {
            return Some(Self::Png);
        }
        if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            return Some(Self::WebP);
        }
        is_svg(std::str::from_utf8(bytes).ok()?).then_some(Self::Svg)
    }
}

/// Whether the first element is `svg`, behind a declaration and comments.
fn is_svg(text: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    while let Some(end) = [("<?", "?>"), ("<!--", "-->"), ("<!DOCTYPE", ">")]
        .into_iter()
        .find_map(|(start, end)| rest.starts_with(start).then_some(end))
    {
        let Some((_, after)) = rest.split_once(end) else { return false };
        rest = after.trim_start();
    }
    let name = rest.strip_prefix("<svg");
    name.is_some_and(|after| after.starts_with(|next: char| next == '>' || next.is_whitespace()))
}

/// What is wrong with a logo.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLogo {
    /// Too large.
    #[error("the logo has {0} bytes; at most {LOGO_MAX} are taken")]
    TooLarge(usize),
    /// Another kind of file.
    #[error("the logo must be a picture in SVG, PNG or WebP")]
    NoPicture,
}

/// A logo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    /// What it is written in.
    pub picture: Picture,
    /// The file.
    pub bytes: Vec<u8>,
}

/// What pages need to know of a logo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoTag {
    /// What it is written in.
    pub picture: Picture,
    /// Changes with its bytes.
    pub version: String,
}

impl Logo {
    /// Takes a file.
    ///
    /// # Errors
    /// [`InvalidLogo`].
    pub fn read(bytes: Vec<u8>) -> Result<Self, InvalidLogo> {
        if bytes.len() > LOGO_MAX {
            return Err(InvalidLogo::TooLarge(bytes.len()));
        }
        let picture = Picture::sniffed(&bytes).ok_or(InvalidLogo::NoPicture)?;
        Ok(Self { picture, bytes })
    }

    /// What pages need to know of it.
    #[must_use]
    pub fn tag(&self) -> LogoTag {
        LogoTag { picture: self.picture, version: version(&self.bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_known_by_its_first_bytes() {
        let read = |bytes: &[u8]| Logo::read(bytes.to_vec()).map(|logo| logo.picture);
        for (bytes, picture) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], Picture::Png),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Picture::WebP),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", Picture::Svg),
            (
                b"\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- a > b -->\n<!DOCTYPE svg>\n<svg>",
                Picture::Svg,
            ),
        ] {
            assert_eq!(read(bytes), Ok(picture));
        }
        for wrong in [
            &b""[..],
            b"GIF89a",
            b"\x89PNG",
            b"RIFF\x24\0\0\0WAVE",
            b"<html><svg></svg>",
            b"<svgx>",
            b"<!-- never ends <svg>",
            b"\xff\xfe<svg>",
            b"<script>alert(1)</script>",
        ] {
            assert_eq!(read(wrong), Err(InvalidLogo::NoPicture), "{wrong:?}");
        }
    }

    #[test]
    fn a_logo_is_small() {
        let mut bytes = b"<svg>".to_vec();
        bytes.resize(LOGO_MAX, b' ');
        assert!(Logo::read(bytes.clone()).is_ok());
        bytes.push(b' ');
        assert_eq!(Logo::read(bytes), Err(InvalidLogo::TooLarge(LOGO_MAX + 1)));
    }
}
