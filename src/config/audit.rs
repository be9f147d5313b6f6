//! `[audit]`.

use std::{path::PathBuf, time::Duration};

use super::layers::Settings;

/// `[audit]`.
#[derive(Debug, Clone)]
pub struct Audit {
    /// Where anchors of the log go.
    pub anchor_file: Option<PathBuf>,
    /// How soon after an entry.
    pub anchor_every: Duration,
}

/// Reads `[audit]`.
pub(super) fn read(settings: &mut Settings) -> Audit {
    let file = settings.text("audit.anchor_file");
    Audit {
        anchor_file: (!file.is_empty()).then(|| file.into()),
        anchor_every: settings.seconds("audit.anchor_every_secs", 1..=3600),
    }
}
