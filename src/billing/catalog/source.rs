//! The text of the catalog that this process was given: the file that `billing.catalog` names, or
//! the one that is compiled in.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use super::{
    model::Catalog,
    parse::{InvalidCatalog, TEXT_MAX},
};

/// The catalog that is compiled in.
pub(crate) const SHIPPED: &str = include_str!("../../../config/catalog.toml");
/// Most bytes that are read of a file: its characters have up to four.
const BYTES_MAX: u64 = 4 * TEXT_MAX as u64 + 1;

/// A text that was found to be a catalog.
#[derive(Debug, Clone)]
pub struct Source {
    text: String,
    catalog: Catalog,
}

/// Why there is no catalog to be had.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file cannot be read.
    #[error("{file}: {source}")]
    Unreadable {
        /// Which.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// The file is no catalog.
    #[error("{file}: {source}")]
    Invalid {
        /// Which.
        file: String,
        /// Every mistake.
        source: InvalidCatalog,
    },
}

impl Source {
    /// Checks `text`.
    ///
    /// # Errors
    /// [`InvalidCatalog`] with every mistake.
    pub fn parse(text: String) -> Result<Self, InvalidCatalog> {
        let catalog = Catalog::parse(&text, 0)?;
        Ok(Self { text, catalog })
    }

    /// The first publisher's, which is compiled in.
    ///
    /// # Errors
    /// [`InvalidCatalog`] with every mistake; a test sees to it that there is none.
    pub fn shipped() -> Result<Self, InvalidCatalog> {
        Self::parse(SHIPPED.to_owned())
    }

    /// The file at `path`, or the one that is compiled in where there is no path.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn read(path: Option<&Path>) -> Result<Self, SourceError> {
        let Some(path) = path else {
            let file = "config/catalog.toml".to_owned();
            return Self::shipped().map_err(|source| SourceError::Invalid { file, source });
        };
        let file = path.display().to_string();
        let mut text = String::new();
        let read = File::open(path).and_then(|it| it.take(BYTES_MAX).read_to_string(&mut text));
        match read {
            Err(source) => Err(SourceError::Unreadable { file, source }),
            Ok(_) => Self::parse(text).map_err(|source| SourceError::Invalid { file, source }),
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it says, as version 0: it has its number once it is kept.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }
}
