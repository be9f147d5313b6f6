//! Why something could not be done with a subscription.

use uuid::Uuid;

use crate::{
    auth::{limit_store::LimitError, limits::RetryAfter},
    billing::{
        approval::request::Undecided, gateway::GatewayError, invoice::store::InvoiceError,
        subscription::change::Refusal,
    },
    db::StoreError,
    http::problem::{ApiError, FieldError},
    ids::NoRandomness,
    mail::MailError,
};

/// Why something could not be done with a subscription.
#[derive(Debug, thiserror::Error)]
pub enum BillingError {
    /// It does not go from where the subscription stands.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A field names something that cannot be.
    #[error("`{field}` {rule}")]
    Invalid {
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        rule: String,
    },
    /// This person had the trial of this product.
    #[error("you have had the free trial; send `\"trial\": false` to subscribe without one")]
    TrialAlreadyUsed,
    /// The address is not proved, and belongs to another account or has had the trial: a mail to it
    /// leads on.
    #[error("this address must be confirmed first")]
    AddressInUse,
    /// There is an open subscription for this product.
    #[error("you subscribe to this already")]
    AlreadySubscribed,
    /// The gateway declined.
    #[error("the payment was declined ({0})")]
    PaymentDeclined(String),
    /// The outcome of an earlier payment is not known yet.
    #[error("a payment is being made; ask again in a moment")]
    PaymentPending {
        /// The operation that made the payment, where this request asks for exactly that: its
        /// outcome is this request's outcome.
        operation: Option<Uuid>,
    },
    /// Too many payments were declined.
    #[error("too many payments were declined; wait a while")]
    TooManyDeclined(RetryAfter),
    /// More is to be given back than was paid.
    #[error("that is more than was paid and not yet given back")]
    RefundTooLarge,
    /// A gift waits for this address already.
    #[error("a gift waits for this address already; take it back first")]
    GiftWaits,
    /// The very same act was done before, under the same name.
    #[error("this was done before")]
    Repeated,
    /// The second person cannot decide this.
    #[error(transparent)]
    Undecided(#[from] Undecided),
    /// Another refund of the subscription waits for a second person.
    #[error("another refund of this subscription waits for a second person; decide that first")]
    RequestWaits,
    /// No such subscription, or somebody else's.
    #[error("there is no such subscription")]
    NotFound,
    /// The reader's account is no more.
    #[error("the account is no more")]
    Gone,
    /// The gateway does not answer, or none is set up.
    #[error("payments cannot be made now")]
    Unavailable,
    /// Something failed on our side.
    #[error("{0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<StoreError> for BillingError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<InvoiceError> for BillingError {
    fn from(error: InvoiceError) -> Self {
        match error {
            InvoiceError::Credit(_) => Self::RefundTooLarge,
            error => Self::Failed(error.into()),
        }
    }
}

impl From<NoRandomness> for BillingError {
    fn from(error: NoRandomness) -> Self {
        Self::Failed(error.into())
    }
}

impl From<MailError> for BillingError {
    fn from(error: MailError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<LimitError> for BillingError {
    fn from(error: LimitError) -> Self {
        match error {
            LimitError::Exceeded(wait) => Self::TooManyDeclined(wait),
            LimitError::Store(error) => error.into(),
        }
    }
}

impl BillingError {
    /// How long to wait before trying again, where that is known.
    #[must_use]
    pub fn wait(&self) -> Option<RetryAfter> {
        match self {
            Self::TooManyDeclined(wait) => Some(*wait),
            _ => None,
        }
    }

    /// A rule of the model that cannot be broken was broken.
    pub(super) fn impossible(what: &'static str) -> Self {
        Self::Failed(what.into())
    }

    /// The gateway did not do what was asked of it about a card.
    pub(super) fn of_card(error: GatewayError) -> Self {
        match error {
            GatewayError::Refused(rule) => Self::Invalid { field: "payment_method", rule },
            GatewayError::Unknown => Self::Unavailable,
        }
    }
}

impl From<BillingError> for ApiError {
    fn from(error: BillingError) -> Self {
        let detail = error.to_string();
        let conflict = |code| Self::Conflict(code, detail.clone().into());
        match error {
            BillingError::Refused(Refusal::SamePlan) => conflict("same_plan"),
            BillingError::Refused(Refusal::PreviewStale) => conflict("preview_stale"),
            BillingError::Refused(Refusal::InvalidTransition(_)) => conflict("invalid_transition"),
            BillingError::Invalid { field, rule } => {
                Self::InvalidFields(vec![FieldError::new(field, "invalid_value", rule)])
            }
            BillingError::TrialAlreadyUsed => conflict("trial_already_used"),
            BillingError::AddressInUse => conflict("address_not_confirmed"),
            BillingError::AlreadySubscribed => conflict("already_subscribed"),
            BillingError::PaymentPending { .. } => conflict("payment_pending"),
            BillingError::RefundTooLarge => conflict("refund_too_large"),
            BillingError::GiftWaits => conflict("gift_waits"),
            BillingError::Repeated => conflict("already_done"),
            BillingError::Undecided(Undecided::Own) => conflict("own_request"),
            BillingError::Undecided(Undecided::Decided) => conflict("already_decided"),
            BillingError::Undecided(Undecided::Expired) => conflict("request_expired"),
            BillingError::RequestWaits => conflict("request_waits"),
            BillingError::PaymentDeclined(_) => {
                Self::PaymentRequired("payment_declined", detail.into())
            }
            BillingError::TooManyDeclined(wait) => wait.into(),
            BillingError::NotFound => Self::NotFound,
            BillingError::Gone => Self::Unauthorized("invalid_token", "log in again"),
            BillingError::Unavailable => Self::Unavailable("payments_unavailable", detail.into()),
            BillingError::Failed(error) => Self::internal(error),
        }
    }
}
