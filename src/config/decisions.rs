//! `[decisions]`.

use super::layers::Settings;
use crate::access::log::recorder::LogLimits;

/// Reads `[decisions]`.
pub(super) fn read(settings: &mut Settings) -> LogLimits {
    LogLimits {
        keep_days: settings.number("decisions.keep_days", 0..=400),
        queue_max: settings.number("decisions.queue_max", 1..=1_000_000),
        rows_per_second: settings.number("decisions.rows_per_second", 1..=100_000),
    }
}
