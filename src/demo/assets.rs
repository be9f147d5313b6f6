//! The files of the newspaper, compiled into the binary: a demonstration needs no directory.

use crate::http::asset::Asset;

/// The one stylesheet of all pages, served as `/demo/demo.css`.
pub static STYLESHEET: Asset = Asset::new(
    "text/css; charset=utf-8",
    concat!(include_str!("demo.css"), include_str!("article.css"), include_str!("home.css")),
);

/// The mark of the newspaper, served as `/demo/art/favicon.svg`.
pub static FAVICON: Asset = Asset::new(SVG, include_str!("art/favicon.svg"));

const SVG: &str = "image/svg+xml";

/// Its name as a picture, which its readers' pages show.
pub const NAMEPLATE: &str = include_str!("art/nameplate.svg");

/// One article as it lies on disk.
pub struct Source {
    /// The last part of the address, and the name of both files.
    pub slug: &'static str,
    /// The text, as TOML.
    pub article: &'static str,
    /// The picture, as SVG.
    pub picture: Asset,
}

macro_rules! source {
    ($slug:literal) => {
        Source {
            slug: $slug,
            article: include_str!(concat!("articles/", $slug, ".toml")),
            picture: Asset::new(SVG, include_str!(concat!("art/", $slug, ".svg"))),
        }
    };
}

/// Every article, by section.
pub static SOURCES: [Source; 12] = [
    source!("how-tides-work"),
    source!("how-birds-find-their-way"),
    source!("why-leaves-turn"),
    source!("how-a-map-lies"),
    source!("why-pianos-are-out-of-tune"),
    source!("how-writing-learned-to-pause"),
    source!("how-lighthouses-got-their-lenses"),
    source!("when-the-clocks-agreed"),
    source!("why-there-is-no-lead-in-a-pencil"),
    source!("why-bread-rises"),
    source!("the-night-trains"),
    source!("why-wool-keeps-you-warm"),
];

/// The SVG that `/demo/art/<name>.svg` serves: an article's picture, or `favicon`.
#[must_use]
pub fn picture(name: &str) -> Option<&'static Asset> {
    if name == "favicon" {
        return Some(&FAVICON);
    }
    SOURCES.iter().find(|source| source.slug == name).map(|source| &source.picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_obeys_the_strict_content_security_policy() {
        let pictures = SOURCES.iter().map(|source| &source.picture).chain([&FAVICON]);
        for svg in pictures.map(Asset::content) {
            assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox="));
            for forbidden in ["<script", "style=", "<style", "<text", "href", "url(", " on"] {
                assert!(!svg.contains(forbidden), "{forbidden} in {svg:.80}");
            }
        }
    }

    #[test]
    fn a_picture_is_found_by_the_name_of_its_article() {
        assert!(picture("how-tides-work").is_some());
        assert!(picture("favicon").is_some());
        assert!(picture("../demo").is_none());
    }
}
