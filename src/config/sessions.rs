//! `[sessions]`.

use std::time::Duration;

use super::layers::Settings;
use crate::auth::session::model::Lifetimes;

/// `[sessions]`.
#[derive(Debug, Clone, Copy)]
pub struct Sessions {
    /// How long readers stay logged in.
    pub reader: Lifetimes,
    /// How long staff stay logged in.
    pub staff: Lifetimes,
    /// How soon a session that was ended elsewhere is known here.
    pub refresh: Duration,
    /// Access tokens remembered as checked.
    pub tokens_remembered: usize,
}

/// Reads `[sessions]`.
pub(super) fn read(settings: &mut Settings) -> Sessions {
    let reader_days: i64 = settings.number("sessions.reader_days", 1..=400);
    let reader_idle_days: i64 = settings.number("sessions.reader_idle_days", 1..=400);
    let staff_hours: i64 = settings.number("sessions.staff_hours", 1..=12);
    let staff_idle_minutes: i64 = settings.number("sessions.staff_idle_minutes", 5..=720);
    Sessions {
        reader: Lifetimes {
            total: time::Duration::days(reader_days),
            idle: time::Duration::days(reader_idle_days),
        },
        staff: Lifetimes {
            total: time::Duration::hours(staff_hours),
            idle: time::Duration::minutes(staff_idle_minutes),
        },
        refresh: settings.seconds("sessions.refresh_secs", 1..=4),
        tokens_remembered: settings.number("sessions.tokens_remembered", 1..=10_000_000),
    }
}
