//! Payment gateways: they keep cards and move money; when, and how much, is decided here.
//!
//! A charge is asked for under a key, which a gateway takes once, and under an order of ours, by
//! which it can be found for ever. An answer that does not come is [`GatewayError::Unknown`]: it
//! may have happened, so it is looked up, never asked for again under another key.
//!
//! What shows whether a card is good says who starts it ([`Initiated`]): where that is a customer, too
//! many declined cards are refused before they come here, and each that is declined is counted here.
//!
//! `sandbox` is the gateway of a sandbox, with a `book` of its own; `control` lets testers make it
//! fail, and `page` is where its bank asks the reader to confirm.

mod book;
pub mod control;
pub mod page;
mod sandbox;

use std::time::Duration;

use uuid::Uuid;

pub use self::sandbox::{Faults, Sandbox};
use super::card_limit::{Initiated, Verdict};
use crate::money::Money;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(8);
/// Longest name of a payment method.
const METHOD_MAX: usize = 200;

/// The gateway's name for a card.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentMethod(String);

impl std::fmt::Debug for PaymentMethod {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PaymentMethod(***)")
    }
}

impl PaymentMethod {
    /// 1 to 200 letters, digits and `_`, `-`, `:`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':');
        let is_one = (1..=METHOD_MAX).contains(&text.len()) && text.chars().all(fits);
        is_one.then(|| Self(text.to_owned()))
    }

    /// As it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A card as far as the gateway tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The same for the same card; some wallets give none.
    pub fingerprint: Option<String>,
    /// The last four digits.
    pub last4: String,
    /// The last month in which it can pay: year and month.
    pub expires: (i32, u8),
}

/// A charge to be made.
#[derive(Debug, Clone)]
pub struct ChargeRequest<'a> {
    /// The gateway takes each key once.
    pub key: &'a str,
    /// Our charge.
    pub order: Uuid,
    /// Whose card.
    pub customer: Uuid,
    /// The card.
    pub method: &'a PaymentMethod,
    /// How much, above 0.
    pub amount: Money,
    /// Whether nobody is there to confirm it.
    pub off_session: bool,
}

/// What came of a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChargeOutcome {
    /// The money is ours.
    Succeeded {
        /// The gateway's reference.
        reference: String,
    },
    /// It is not.
    Declined {
        /// Whether trying again cannot help.
        hard: bool,
        /// The gateway's word.
        code: String,
    },
    /// The reader must confirm it first.
    NeedsAuthentication {
        /// Where; a path on our own site, or an address.
        url: String,
    },
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// It may have happened or not.
    #[error("the gateway gave no answer that can be understood")]
    Unknown,
    /// It has not happened and will not.
    #[error("{0}")]
    Refused(String),
}

/// The gateway in use. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Gateway {
    /// None is set up: nothing can be sold.
    None,
    /// The sandbox's.
    Sandbox(Sandbox),
}

/// What an answer says of the card.
fn verdict(answer: &Result<ChargeOutcome, GatewayError>) -> Verdict {
    match answer {
        Ok(ChargeOutcome::Declined { .. }) | Err(GatewayError::Refused(_)) => Verdict::Declined,
        Ok(ChargeOutcome::NeedsAuthentication { .. }) => Verdict::Waits,
        Ok(ChargeOutcome::Succeeded { .. }) | Err(GatewayError::Unknown) => Verdict::Accepted,
    }
}

fn none<T>() -> Result<T, GatewayError> {
    Err(GatewayError::Unknown)
}

async fn patiently<T>(
    answer: impl Future<Output = Result<T, GatewayError>>,
) -> Result<T, GatewayError> {
    // Boxed, so that not everything that may ask the gateway is as large as its call.
    let answer = tokio::time::timeout(PATIENCE, Box::pin(answer)).await;
    answer.unwrap_or(Err(GatewayError::Unknown))
}

impl Gateway {
    /// What is known of a card.
    ///
    /// # Errors
    /// [`GatewayError::Refused`] where there is no such method.
    pub async fn card(
        &self,
        by: Initiated<'_>,
        method: &PaymentMethod,
    ) -> Result<Card, GatewayError> {
        let answer = match self {
            Self::None => none(),
            Self::Sandbox(sandbox) => patiently(sandbox.card(method)).await,
        };
        let is_unknown = matches!(answer, Err(GatewayError::Refused(_)));
        by.note(if is_unknown { Verdict::Declined } else { Verdict::Accepted }).await;
        answer
    }

    /// Makes a charge, once for its key.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn charge(
        &self,
        by: Initiated<'_>,
        request: ChargeRequest<'_>,
    ) -> Result<ChargeOutcome, GatewayError> {
        let mut answers = self.charge_many(&[request]).await;
        let answer = answers.pop().unwrap_or(Err(GatewayError::Unknown));
        by.note(verdict(&answer)).await;
        answer
    }

    /// Makes several charges that are due; one answer for each, in their order.
    pub async fn charge_due(
        &self,
        requests: &[ChargeRequest<'_>],
    ) -> Vec<Result<ChargeOutcome, GatewayError>> {
        self.charge_many(requests).await
    }

    async fn charge_many(
        &self,
        requests: &[ChargeRequest<'_>],
    ) -> Vec<Result<ChargeOutcome, GatewayError>> {
        let unknown = || requests.iter().map(|_| Err(GatewayError::Unknown)).collect();
        match self {
            Self::None => unknown(),
            Self::Sandbox(sandbox) => {
                let answers = tokio::time::timeout(PATIENCE, sandbox.charge_many(requests)).await;
                answers.unwrap_or_else(|_| unknown())
            }
        }
    }

    /// Makes sure that a card can be charged later, and that it would pay `due` now where that is
    /// given: the bank is asked, and nothing is charged. `order` names this for [`Gateway::find`].
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn set_up(
        &self,
        by: Initiated<'_>,
        (order, customer): (Uuid, Uuid),
        (method, due): (&PaymentMethod, Option<Money>),
    ) -> Result<ChargeOutcome, GatewayError> {
        let answer = match self {
            Self::None => none(),
            Self::Sandbox(sandbox) => {
                patiently(sandbox.set_up(order, customer, (method, due))).await
            }
        };
        by.note(verdict(&answer)).await;
        answer
    }

    /// What came of an order; `None` where the gateway never saw it.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn find(&self, order: Uuid) -> Result<Option<ChargeOutcome>, GatewayError> {
        match self {
            Self::None => none(),
            Self::Sandbox(sandbox) => patiently(sandbox.find(order)).await,
        }
    }

    /// Calls off an order that waits for the reader, so that it can never succeed, and says what
    /// stands then; `None` where nothing was or will be paid.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn cancel(&self, order: Uuid) -> Result<Option<ChargeOutcome>, GatewayError> {
        match self {
            Self::None => none(),
            Self::Sandbox(sandbox) => patiently(sandbox.cancel(order)).await,
        }
    }

    /// The address of the page where the reader confirms, from which they come back to `path`, one
    /// of ours.
    #[must_use]
    pub fn leading_back(&self, url: String, path: &str) -> String {
        match self {
            Self::None => url,
            Self::Sandbox(_) => {
                let query = serde_urlencoded::to_string([(page::RETURN_TO, path)]);
                query.map_or_else(|_| url.clone(), |query| format!("{url}?{query}"))
            }
        }
    }

    /// Gives money of an order back, once for each `refund`. Gives the gateway's reference.
    ///
    /// # Errors
    /// [`GatewayError::Refused`] where it is more than was paid.
    pub async fn refund(
        &self,
        refund: Uuid,
        order: Uuid,
        amount: Money,
    ) -> Result<String, GatewayError> {
        match self {
            Self::None => none(),
            Self::Sandbox(sandbox) => patiently(sandbox.refund(refund, order, amount)).await,
        }
    }
}
