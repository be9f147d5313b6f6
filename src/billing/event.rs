//! What happened to a subscription, as the timeline and the outbox tell it. Pure.
//!
//! `docs/events.md` lists the shapes. A shape only grows; where one must change, its version does.

use serde::Serialize;

use super::subscription::model::{EndReason, Purpose};
use crate::{clock::Timestamp, money::Money};

/// The version of every shape here.
pub const VERSION: i64 = 1;

/// One thing that happened. What it holds is its `detail`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Event {
    /// It was asked for; the reader must confirm something first.
    Created {
        /// Until when.
        expires_at: Timestamp,
    },
    /// A free trial began.
    TrialStarted {
        /// When it ends.
        until: Timestamp,
    },
    /// The reader's address, proved by now, had a free trial before.
    TrialRepeated,
    /// The first payment was made.
    Activated {
        /// How much.
        amount: Money,
    },
    /// The next period was paid.
    Renewed {
        /// How much.
        amount: Money,
        /// Whether a free trial went before, so that it is the first payment.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        after_trial: bool,
        /// The plan before, where a switch was planned.
        #[serde(skip_serializing_if = "Option::is_none")]
        switched_from: Option<String>,
    },
    /// A payment failed.
    PaymentFailed {
        /// Whether trying again cannot help.
        hard: bool,
        /// What it was for.
        purpose: Purpose,
    },
    /// The bank wants the reader to confirm a payment.
    ConfirmationWanted {
        /// What it is for.
        purpose: Purpose,
    },
    /// What was overdue was paid.
    Recovered {
        /// How much.
        amount: Money,
    },
    /// It will end with the period.
    CancelScheduled {
        /// When.
        at: Timestamp,
        /// By whom.
        reason: EndReason,
        /// What the reader said about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
    },
    /// The reader said why it ends, after it was canceled.
    Commented {
        /// In the reader's words.
        comment: String,
    },
    /// It will not end after all.
    CancelRevoked,
    /// It goes on with another plan.
    Switched {
        /// The plan before.
        from: String,
        /// The plan from now on.
        to: String,
        /// What was given back for the rest of the old period.
        #[serde(skip_serializing_if = "Option::is_none")]
        credit: Option<Money>,
    },
    /// It will go on with another plan.
    SwitchScheduled {
        /// The plan now.
        from: String,
        /// The plan then.
        to: String,
        /// When.
        at: Timestamp,
    },
    /// It stays with its plan.
    SwitchRevoked,
    /// The price changed, as was announced.
    PriceChanged {
        /// The price before.
        from: Money,
        /// The price from now on.
        to: Money,
    },
    /// It was stopped for a while.
    Paused {
        /// What was given back for the rest of the period; none for a trial that ended.
        #[serde(skip_serializing_if = "Option::is_none")]
        credit: Option<Money>,
    },
    /// It goes on after a pause.
    Unpaused {
        /// What was paid.
        amount: Money,
    },
    /// Days were given.
    Extended {
        /// How many.
        days: u32,
        /// The new end of the period, or of the grace.
        until: Timestamp,
    },
    /// It is paid by another card.
    PaymentMethodChanged {
        /// The card's last four digits.
        last4: String,
    },
    /// Money was given back.
    Refunded {
        /// How much.
        amount: Money,
        /// Why.
        reason: String,
    },
    /// The gateway could not give money back, so it went to the reader's balance.
    RefundSettled {
        /// How much.
        amount: Money,
        /// Why.
        reason: String,
    },
    /// The gateway could not give money back, so the publisher paid it in another way.
    RefundPaidOut {
        /// How much.
        amount: Money,
        /// Why, and how.
        reason: String,
    },
    /// Something was told by mail.
    NoticeSent {
        /// What.
        notice: &'static str,
    },
    /// It ended.
    Ended {
        /// When.
        at: Timestamp,
        /// Why.
        reason: EndReason,
    },
}

impl Event {
    /// The facts of it, as JSON.
    #[must_use]
    pub fn detail(&self) -> serde_json::Value {
        // Structs of numbers and texts always serialise.
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Null) | Err(_) => serde_json::json!({}),
            Ok(detail) => detail,
        }
    }

    /// Its name: a stable dotted word.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Created { .. } => "subscription.created",
            Self::TrialStarted { .. } => "subscription.trial_started",
            Self::TrialRepeated => "subscription.trial_repeated",
            Self::Activated { .. } => "subscription.activated",
            Self::Renewed { .. } => "subscription.renewed",
            Self::PaymentFailed { .. } => "subscription.payment_failed",
            Self::ConfirmationWanted { .. } => "subscription.confirmation_wanted",
            Self::Recovered { .. } => "subscription.recovered",
            Self::CancelScheduled { .. } => "subscription.cancel_scheduled",
            Self::Commented { .. } => "subscription.commented",
            Self::CancelRevoked => "subscription.cancel_revoked",
            Self::Switched { .. } => "subscription.switched",
            Self::SwitchScheduled { .. } => "subscription.switch_scheduled",
            Self::SwitchRevoked => "subscription.switch_revoked",
            Self::PriceChanged { .. } => "subscription.price_changed",
            Self::Paused { .. } => "subscription.paused",
            Self::Unpaused { .. } => "subscription.unpaused",
            Self::Extended { .. } => "subscription.extended",
            Self::PaymentMethodChanged { .. } => "subscription.payment_method_changed",
            Self::Refunded { .. } => "subscription.refunded",
            Self::RefundSettled { .. } => "subscription.refund_settled",
            Self::RefundPaidOut { .. } => "subscription.refund_paid_out",
            Self::NoticeSent { .. } => "subscription.notice_sent",
            Self::Ended { .. } => "subscription.ended",
        }
    }
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The reader whose it is.
    Reader,
    /// A member of staff.
    Staff(uuid::Uuid),
    /// Whoever may run `pressgate` on the machine.
    Command,
    /// The service itself, as time passed.
    System,
}

impl Actor {
    /// In words, with the id of staff.
    #[must_use]
    pub fn to_text(self) -> String {
        match self {
            Self::Reader => "reader".to_owned(),
            Self::Staff(id) => format!("staff:{id}"),
            Self::Command => "command".to_owned(),
            Self::System => "system".to_owned(),
        }
    }
}

impl Serialize for EndReason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Serialize for Purpose {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
