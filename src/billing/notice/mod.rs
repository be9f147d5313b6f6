//! What the law and the card networks make us tell subscribers, and by when.
//!
//! Pure: `duty` is what is owed where, as `parse` reads it from `config/duties.toml`; `plan` says
//! which notices a subscription needs and when; `withdrawal` until when a reader may withdraw.
//! `store` keeps what is due and what was sent, `send` sends it once, `record` shows what was kept
//! and missed.

pub mod duty;
mod parse;
pub mod plan;
pub mod record;
pub mod send;
pub mod store;
pub mod withdrawal;

#[cfg(test)]
mod manual_tests;

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::parse::InvalidDuties;

/// What a notice is about.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// What was agreed and paid; sent with the change itself.
    Receipt,
    /// That it was canceled or withdrawn from; sent with the change itself.
    CancellationReceipt,
    /// A trial's end.
    TrialEnding,
    /// The renewal of a long period.
    Renewal,
    /// The last moment to stop such a renewal, told long before.
    RenewalDeadline,
    /// That a subscription goes on, once a year.
    YearlyReminder,
    /// Another price.
    PriceChange,
    /// Another price, told again shortly before.
    PriceChangeReminder,
    /// A card that ends before the next charge.
    CardExpiring,
}

impl NoticeKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Receipt,
        Self::CancellationReceipt,
        Self::TrialEnding,
        Self::Renewal,
        Self::RenewalDeadline,
        Self::YearlyReminder,
        Self::PriceChange,
        Self::PriceChangeReminder,
        Self::CardExpiring,
    ];

    /// Its name for programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::CancellationReceipt => "cancellation_receipt",
            Self::TrialEnding => "trial_ending",
            Self::Renewal => "renewal",
            Self::RenewalDeadline => "renewal_deadline",
            Self::YearlyReminder => "yearly_reminder",
            Self::PriceChange => "price_change",
            Self::PriceChangeReminder => "price_change_reminder",
            Self::CardExpiring => "card_expiring",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether it goes out with the change that it tells of, rather than before a moment to come.
    #[must_use]
    pub fn is_at_once(self) -> bool {
        matches!(self, Self::Receipt | Self::CancellationReceipt)
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
