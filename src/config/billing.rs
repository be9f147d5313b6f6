//! `[billing]`.

use std::path::PathBuf;

use super::layers::Settings;

/// `[billing]`.
#[derive(Debug, Clone)]
pub struct Billing {
    /// The file of the catalog; `None` for the one that is compiled in.
    pub catalog: Option<PathBuf>,
}

/// Reads `[billing]`.
pub(super) fn read(settings: &mut Settings) -> Billing {
    let catalog = settings.text("billing.catalog");
    Billing { catalog: (!catalog.is_empty()).then(|| PathBuf::from(catalog)) }
}
