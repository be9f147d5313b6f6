//! What a charge is. Pure.

use uuid::Uuid;

use crate::{billing::subscription::model::Purchase, clock::Timestamp, money::Money};

/// One attempt to be paid for a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Its id; the gateway's `order`.
    pub id: Uuid,
    /// The subscription.
    pub subscription: Uuid,
    /// Whose.
    pub reader: Uuid,
    /// What it buys.
    pub purchase: Purchase,
    /// 1, 2, 3, … for the same period.
    pub attempt: i64,
    /// What to ask for.
    pub amount: Money,
    /// What is given back of the old plan's price, not below 0.
    pub credit: Money,
    /// What is taken from the account's balance, not below 0.
    pub balance: Money,
    /// The card; none once it was forgotten.
    pub method: Option<String>,
    /// Whether nobody is there to confirm it.
    pub off_session: bool,
    /// How it went.
    pub status: ChargeStatus,
    /// When it was written down.
    pub created_at: Timestamp,
    /// The invoice that waits for it, or that it paid.
    pub invoice: Option<Uuid>,
}

/// How a charge went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChargeStatus {
    /// The gateway was asked, or is about to be.
    Pending,
    /// The reader must confirm it.
    RequiresAction {
        /// Where.
        url: String,
    },
    /// Paid.
    Succeeded {
        /// The gateway's reference.
        reference: String,
        /// When we learned of it.
        at: Timestamp,
    },
    /// Not paid.
    Declined {
        /// The gateway's word.
        code: String,
        /// When we learned of it.
        at: Timestamp,
    },
    /// Called off.
    Canceled {
        /// When.
        at: Timestamp,
    },
}

impl ChargeStatus {
    /// As in rows.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::RequiresAction { .. } => "requires_action",
            Self::Succeeded { .. } => "succeeded",
            Self::Declined { .. } => "declined",
            Self::Canceled { .. } => "canceled",
        }
    }

    /// Whether its outcome is still to come.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Pending | Self::RequiresAction { .. })
    }
}

impl Charge {
    /// The key under which the gateway takes it once, however often it is sent.
    #[must_use]
    pub fn key(&self) -> String {
        let start = self.purchase.turn.period.start.micros();
        format!("{}:{start}:{}", self.subscription, self.attempt)
    }
}
