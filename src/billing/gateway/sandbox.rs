//! The sandbox's gateway: cards that do what their names say, and faults on demand.

use std::{
    fmt::Write,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use time::Duration as Span;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Card, ChargeOutcome, ChargeRequest, GatewayError, PaymentMethod,
    book::{self, Kind, Status, Written},
};
use crate::{
    clock::Clock,
    db::{Db, StoreError, Tx},
    money::Money,
};

/// For how long a key is known.
const KEYS_KEPT: Span = Span::hours(24);
/// Where the sandbox's bank asks the reader.
pub(super) const CONFIRM: &str = "/sandbox/gateway/confirm/";

/// What goes wrong on demand: each number is of the next so many charges.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// How long each answer takes, in milliseconds; at most 60000.
    pub latency_ms: u64,
    /// Done, but the answer is lost.
    pub lose_answers: u32,
    /// Not done, and there is no answer.
    pub fail_before: u32,
    /// Done, and asked for a second time at once by the gateway itself.
    pub answer_twice: u32,
    /// Done, but the answer cannot be understood.
    pub nonsense: u32,
    /// Nothing is answered at all.
    pub down: bool,
}

/// The sandbox's gateway.
#[derive(Clone)]
pub struct Sandbox {
    db: Db,
    clock: Arc<dyn Clock>,
    faults: Arc<Mutex<Faults>>,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").finish_non_exhaustive()
    }
}

/// What a card does when it is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    Pays,
    DeclinesSoftly,
    Lost,
    DeclinesOnce,
    Confirms,
}

/// What happens to one charge besides what its card does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    AskedTwice,
    NotDone,
    AnswerLost,
}

fn behaviour(method: &PaymentMethod) -> Option<(Behaviour, Option<&str>)> {
    let (kind, suffix) = match method.as_str().split_once(':') {
        Some((kind, suffix)) => (kind, Some(suffix)),
        None => (method.as_str(), None),
    };
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if suffix.is_some_and(|it| it.is_empty() || it.len() > 64 || !it.chars().all(is_word)) {
        return None;
    }
    let behaviour = match kind {
        "pm_sandbox_ok" => Behaviour::Pays,
        "pm_sandbox_declined" => Behaviour::DeclinesSoftly,
        "pm_sandbox_lost" => Behaviour::Lost,
        "pm_sandbox_declined_once" => Behaviour::DeclinesOnce,
        "pm_sandbox_authentication" => Behaviour::Confirms,
        _ => return None,
    };
    Some((behaviour, suffix))
}

fn refused() -> GatewayError {
    GatewayError::Refused("must be a payment method that the gateway knows".to_owned())
}

impl From<StoreError> for GatewayError {
    fn from(_: StoreError) -> Self {
        Self::Unknown
    }
}

impl Sandbox {
    /// The gateway whose book is in `db`.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock, faults: Arc::default() }
    }

    /// What goes wrong now.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has something go wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// The book, one row for each charge.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn read_book(
        &self,
        after: i64,
        most: i64,
    ) -> Result<Vec<Written>, StoreError> {
        book::list(&mut self.db.read().await?, after, most).await
    }

    /// Waits as long as was asked for, and says what happens to the next charge.
    fn fate(&self) -> Fate {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let mut take = |pick: fn(&mut Faults) -> &mut u32| {
            let left = pick(&mut faults);
            let any = *left > 0;
            *left = left.saturating_sub(1);
            any
        };
        if take(|faults| &mut faults.fail_before) {
            Fate::NotDone
        } else if take(|faults| &mut faults.lose_answers) || take(|faults| &mut faults.nonsense) {
            Fate::AnswerLost
        } else if take(|faults| &mut faults.answer_twice) {
            Fate::AskedTwice
        } else {
            Fate::Answered
        }
    }

    async fn is_up(&self) -> Result<(), GatewayError> {
        let Faults { latency_ms, down, .. } = self.faults();
        if latency_ms > 0 {
            tokio::time::sleep(Duration::from_millis(latency_ms)).await;
        }
        if down { Err(GatewayError::Unknown) } else { Ok(()) }
    }

    pub(super) async fn card(&self, method: &PaymentMethod) -> Result<Card, GatewayError> {
        self.is_up().await?;
        let (_, suffix) = behaviour(method).ok_or_else(refused)?;
        let hash = digest(&SHA256, method.as_str().as_bytes());
        let mut fingerprint = String::with_capacity(64);
        for byte in hash.as_ref() {
            // Writing to a text cannot fail.
            let _ = write!(fingerprint, "{byte:02x}");
        }
        let number =
            hash.as_ref().iter().fold(0_u32, |sum, byte| (sum * 31 + u32::from(*byte)) % 10_000);
        let expires = suffix.and_then(|suffix| {
            let (year, month) = suffix.strip_prefix("exp-")?.split_once('-')?;
            Some((year.parse().ok()?, month.parse().ok().filter(|month| (1..=12).contains(month))?))
        });
        Ok(Card {
            fingerprint: suffix.map(|_| fingerprint),
            last4: format!("{number:04}"),
            expires: expires.unwrap_or((2099, 12)),
        })
    }

    pub(super) async fn charge_many(
        &self,
        requests: &[ChargeRequest<'_>],
    ) -> Vec<Result<ChargeOutcome, GatewayError>> {
        if self.is_up().await.is_err() {
            return requests.iter().map(|_| Err(GatewayError::Unknown)).collect();
        }
        let fates: Vec<Fate> = requests.iter().map(|_| self.fate()).collect();
        let done = self.write_all(requests, &fates).await;
        let answers =
            done.unwrap_or_else(|_| requests.iter().map(|_| Err(GatewayError::Unknown)).collect());
        let heard = answers.into_iter().zip(fates).map(|(answer, fate)| match fate {
            Fate::NotDone | Fate::AnswerLost => Err(GatewayError::Unknown),
            Fate::Answered | Fate::AskedTwice => answer,
        });
        heard.collect()
    }

    async fn write_all(
        &self,
        requests: &[ChargeRequest<'_>],
        fates: &[Fate],
    ) -> Result<Vec<Result<ChargeOutcome, GatewayError>>, StoreError> {
        let mut tx = self.db.write().await?;
        let mut seq = book::open(&mut tx).await?;
        let now = self.clock.now();
        book::forget_keys(&mut tx, now.minus(KEYS_KEPT)).await?;
        let mut answers = Vec::with_capacity(requests.len());
        for (request, fate) in requests.iter().zip(fates) {
            let times = match fate {
                Fate::NotDone => 0,
                Fate::Answered | Fate::AnswerLost => 1,
                Fate::AskedTwice => 2,
            };
            let mut answer = Err(GatewayError::Unknown);
            for _ in 0..times {
                answer = self.write(&mut tx, &mut seq, request).await?;
            }
            answers.push(answer);
        }
        book::close(&mut tx, seq);
        tx.commit().await?;
        Ok(answers)
    }

    async fn write(
        &self,
        tx: &mut Tx,
        seq: &mut i64,
        request: &ChargeRequest<'_>,
    ) -> Result<Result<ChargeOutcome, GatewayError>, StoreError> {
        if let Some(known) = book::find_key(tx, request.key).await? {
            let same = known.order == request.order
                && known.amount == Some(request.amount)
                && known.method == request.method.as_str();
            let other = "this key was used for another charge";
            return Ok(if same {
                Ok(known.outcome())
            } else {
                Err(GatewayError::Refused(other.into()))
            });
        }
        let Some((behaviour, _)) = behaviour(request.method) else { return Ok(Err(refused())) };
        let owner = (request.customer, request.method.as_str());
        let soft = Status::Declined { hard: false, code: "insufficient_funds".to_owned() };
        let status = match behaviour {
            Behaviour::Pays => Status::Succeeded,
            Behaviour::DeclinesSoftly => soft,
            Behaviour::Lost => Status::Declined { hard: true, code: "lost_card".to_owned() },
            Behaviour::DeclinesOnce if book::has_declined(tx, owner).await? => Status::Succeeded,
            Behaviour::DeclinesOnce => soft,
            Behaviour::Confirms if book::has_confirmed(tx, owner).await? => Status::Succeeded,
            Behaviour::Confirms => Status::Waiting,
        };
        *seq += 1;
        let written = Written {
            seq: *seq,
            order: request.order,
            customer: request.customer,
            method: request.method.as_str().to_owned(),
            kind: Kind::Charge,
            amount: Some(request.amount),
            status,
            refunded: 0,
            key: request.key.to_owned(),
            at: self.clock.now(),
        };
        book::insert_charge(tx, &written);
        Ok(Ok(written.outcome()))
    }

    pub(super) async fn set_up(
        &self,
        order: Uuid,
        customer: Uuid,
        (method, due): (&PaymentMethod, Option<Money>),
    ) -> Result<ChargeOutcome, GatewayError> {
        self.is_up().await?;
        let (behaviour, _) = behaviour(method).ok_or_else(refused)?;
        let declined = |hard, code: &str| Status::Declined { hard, code: code.to_owned() };
        let (soft, lost) = (declined(false, "insufficient_funds"), declined(true, "lost_card"));
        let answered = match (behaviour, due) {
            (Behaviour::Confirms | Behaviour::DeclinesOnce, Some(_))
            | (Behaviour::Confirms, None) => None,
            (Behaviour::DeclinesSoftly, Some(_)) => Some(soft.clone()),
            (Behaviour::Lost, Some(_)) => Some(lost),
            (_, None) | (Behaviour::Pays, Some(_)) => Some(Status::Succeeded),
        };
        if let Some(status) = answered {
            // The answer is the same each time, and need not be kept.
            return Ok(status.outcome(order, || format!("seti_{}", order.simple())));
        }
        let mut tx = self.db.write().await?;
        let seq = book::open(&mut tx).await? + 1;
        if let Some(known) = book::find_order(&mut tx, order).await? {
            return Ok(known.outcome());
        }
        let owner = (customer, method.as_str());
        let status = match behaviour {
            Behaviour::Confirms if book::has_confirmed(&mut tx, owner).await? => Status::Succeeded,
            Behaviour::Confirms => Status::Waiting,
            _ if book::has_declined(&mut tx, owner).await? => Status::Succeeded,
            _ => soft,
        };
        let written = Written {
            seq,
            order,
            customer,
            method: method.as_str().to_owned(),
            kind: Kind::Setup,
            amount: due,
            status,
            refunded: 0,
            key: format!("setup:{order}"),
            at: self.clock.now(),
        };
        book::insert(&mut tx, &written);
        book::close(&mut tx, seq);
        tx.commit().await?;
        Ok(written.outcome())
    }

    pub(super) async fn find(&self, order: Uuid) -> Result<Option<ChargeOutcome>, GatewayError> {
        self.is_up().await?;
        let found = book::find_order(&mut self.db.read().await?, order).await?;
        Ok(found.filter(|written| written.status != Status::Canceled).map(|it| it.outcome()))
    }

    pub(super) async fn cancel(&self, order: Uuid) -> Result<Option<ChargeOutcome>, GatewayError> {
        self.is_up().await?;
        let mut tx = self.db.write().await?;
        book::open(&mut tx).await?;
        book::settle(&mut tx, order, &Status::Canceled).await?;
        let stands = book::find_order(&mut tx, order).await?;
        tx.commit().await?;
        Ok(stands.filter(|written| written.status != Status::Canceled).map(|it| it.outcome()))
    }

    /// The reader answered the bank: says whether there was something to answer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn answer(&self, order: Uuid, confirmed: bool) -> Result<bool, StoreError> {
        let code = "authentication_failed".to_owned();
        let refused = Status::Declined { hard: false, code };
        let status = if confirmed { Status::Succeeded } else { refused };
        let mut tx = self.db.write().await?;
        book::open(&mut tx).await?;
        let settled = book::settle(&mut tx, order, &status).await?;
        tx.commit().await?;
        Ok(settled)
    }

    /// What waits for the reader's answer under `order`, if anything does: how much, or `None` for a card
    /// that is only to be kept.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn waiting(&self, order: Uuid) -> Result<Option<Option<Money>>, StoreError> {
        let found = book::find_order(&mut self.db.read().await?, order).await?;
        Ok(found.filter(|it| it.status == Status::Waiting).map(|it| it.amount))
    }

    pub(super) async fn refund(
        &self,
        refund: Uuid,
        order: Uuid,
        amount: Money,
    ) -> Result<String, GatewayError> {
        self.is_up().await?;
        let mut tx = self.db.write().await?;
        book::open(&mut tx).await?;
        if !book::refund(&mut tx, (refund, order), amount, self.clock.now()).await? {
            return Err(GatewayError::Refused("that is more than was paid".to_owned()));
        }
        tx.commit().await?;
        Ok(format!("re_{}", refund.simple()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_do_what_their_names_say() {
        let method = |text| PaymentMethod::parse(text).unwrap();
        for (text, expected) in [
            ("pm_sandbox_ok", Some((Behaviour::Pays, None))),
            ("pm_sandbox_ok:anna", Some((Behaviour::Pays, Some("anna")))),
            ("pm_sandbox_declined_once:x-1", Some((Behaviour::DeclinesOnce, Some("x-1")))),
            ("pm_sandbox_ok:", None),
            ("pm_sandbox_ok:a:b", None),
            ("pm_card_visa", None),
        ] {
            assert_eq!(behaviour(&method(text)), expected, "{text}");
        }
        assert_eq!(PaymentMethod::parse("a b"), None);
        assert_eq!(PaymentMethod::parse(""), None);
        assert_eq!(format!("{:?}", method("pm_sandbox_ok")), "PaymentMethod(***)");
    }
}
