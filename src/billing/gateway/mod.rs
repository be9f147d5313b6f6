//! Stub of the gateway, until the real one comes.

use uuid::Uuid;

use crate::money::Money;

/// The gateway's name for a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentMethod(String);

impl PaymentMethod {
    /// Parses.
    pub fn parse(text: &str) -> Option<Self> {
        let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-');
        ((1..=200).contains(&text.len()) && text.chars().all(ok)).then(|| Self(text.to_owned()))
    }
    /// Text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A card.
#[derive(Debug, Clone)]
pub struct Card {
    /// The same for the same card.
    pub fingerprint: Option<String>,
    /// Brand.
    pub brand: String,
    /// Digits.
    pub last4: String,
    /// Year, month.
    pub expires: (i32, u8),
}

/// A charge.
#[derive(Clone)]
pub struct ChargeRequest<'a> {
    /// Key.
    pub key: &'a str,
    /// Our id.
    pub order: Uuid,
    /// Reader.
    pub customer: Uuid,
    /// Card.
    pub method: &'a PaymentMethod,
    /// How much.
    pub amount: Money,
    /// Nobody there.
    pub off_session: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChargeOutcome {
    /// Paid.
    Succeeded {
        /// Ref.
        reference: String,
    },
    /// Not.
    Declined {
        /// For good.
        hard: bool,
        /// Word.
        code: String,
    },
    /// Reader.
    NeedsAuthentication {
        /// Where.
        url: String,
    },
}

/// No answer.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Unknown.
    #[error("unknown")]
    Unknown,
    /// Refused.
    #[error("{0}")]
    Refused(String),
}

/// Gateway.
#[derive(Debug, Clone, Default)]
pub struct Gateway(std::sync::Arc<std::sync::Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    charges: Vec<(Uuid, String, Uuid, String, Money, ChargeOutcome)>,
    refunds: Vec<(Uuid, Uuid, Money)>,
}
type R<T> = Result<T, GatewayError>;
#[allow(missing_docs, clippy::unused_async, clippy::missing_errors_doc, clippy::unwrap_used)]
impl Gateway {
    pub async fn card(&self, method: &PaymentMethod) -> R<Card> {
        let text = method.as_str();
        let kind = text.split(':').next().unwrap_or_default();
        let known = ["ok", "declined", "lost", "declined_once", "authentication"];
        if !known.iter().any(|k| kind == format!("pm_sandbox_{k}")) {
            return Err(GatewayError::Refused("is no payment method".into()));
        }
        let fingerprint = text.contains(':').then(|| text.to_owned());
        Ok(Card { fingerprint, brand: "Sandbox".into(), last4: "4242".into(), expires: (2099, 12) })
    }
    pub async fn charge(&self, r: ChargeRequest<'_>) -> R<ChargeOutcome> {
        let mut book = self.0.lock().unwrap();
        if let Some(old) = book.charges.iter().find(|c| c.1 == r.key) {
            return Ok(old.5.clone());
        }
        let text = r.method.as_str();
        let kind = text.split(':').next().unwrap_or_default();
        let before = book.charges.iter().filter(|c| c.2 == r.customer && c.3 == text).count();
        let ok = ChargeOutcome::Succeeded { reference: format!("ch_{}", book.charges.len()) };
        let no = |hard, code: &str| ChargeOutcome::Declined { hard, code: code.into() };
        let outcome = match kind {
            "pm_sandbox_declined" => no(false, "insufficient_funds"),
            "pm_sandbox_lost" => no(true, "lost_card"),
            "pm_sandbox_declined_once" if before == 0 => no(false, "insufficient_funds"),
            "pm_sandbox_authentication" if before == 0 => ChargeOutcome::NeedsAuthentication {
                url: format!("/sandbox/gateway/confirm/{}", r.order),
            },
            _ => ok,
        };
        book.charges.push((
            r.order,
            r.key.into(),
            r.customer,
            text.into(),
            r.amount,
            outcome.clone(),
        ));
        Ok(outcome)
    }
    pub async fn charge_many(&self, all: &[ChargeRequest<'_>]) -> Vec<R<ChargeOutcome>> {
        let mut answers = Vec::new();
        for r in all {
            answers.push(self.charge(r.clone()).await);
        }
        answers
    }
    pub async fn find(&self, order: Uuid) -> R<Option<ChargeOutcome>> {
        Ok(self.0.lock().unwrap().charges.iter().find(|c| c.0 == order).map(|c| c.5.clone()))
    }
    pub async fn cancel(&self, order: Uuid) -> R<Option<ChargeOutcome>> {
        self.find(order).await
    }
    pub async fn set_up(&self, order: Uuid, _: Uuid, method: &PaymentMethod) -> R<ChargeOutcome> {
        Ok(if method.as_str().starts_with("pm_sandbox_authentication") {
            ChargeOutcome::NeedsAuthentication { url: format!("/sandbox/gateway/confirm/{order}") }
        } else {
            ChargeOutcome::Succeeded { reference: "seti".into() }
        })
    }
    pub async fn refund(&self, _: &str, refund: Uuid, order: Uuid, amount: Money) -> R<String> {
        self.0.lock().unwrap().refunds.push((refund, order, amount));
        Ok("re".into())
    }
    pub async fn find_refund(&self, refund: Uuid) -> R<Option<String>> {
        Ok(self.0.lock().unwrap().refunds.iter().find(|r| r.0 == refund).map(|_| "re".into()))
    }
}
