//! Refunds that take two members of staff: one asks, another decides.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Billing, BillingError, Foreseen,
    books::Why,
    office::Office,
    refund::{GiveBack, Part, Who, part_of, running_part},
};
use crate::{
    audit::{
        model::{Action, Entry},
        store as audit,
    },
    billing::{
        approval::{
            limit::COUNTS_FOR,
            request::{Answer, Decision, Request, Stands},
            store as requests,
        },
        invoice::settle_store,
        subscription::{
            change::Refusal,
            model::{EndReason, Subscription},
            store,
        },
    },
    clock::Timestamp,
    db::Tx,
    money::Money,
    reader::store as readers,
};

const NOBODY: Refusal = Refusal::InvalidTransition("this takes two members of staff");

/// What came of an act that gives money back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was done; the subscription as it stands now.
    Done(Box<Subscription>),
    /// Nothing was done: it waits for a second person.
    Waits(Box<Request>),
}

/// What a second person is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) of: &'a Subscription,
    pub(super) part: &'a Part,
    /// Whether the subscription ends at once, too.
    pub(super) cancels: bool,
}

impl Billing {
    /// Requests at which a second person must look, the oldest first, and those that are over, the
    /// latest first; at most 100 of each.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn refund_requests(&self) -> Result<(Vec<Request>, Vec<Request>), BillingError> {
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let waiting = requests::list_waiting(&mut tx, now).await?;
        Ok((waiting, requests::list_over(&mut tx, now).await?))
    }

    /// How many requests wait for a second person; at most 100 are counted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn requests_waiting(&self) -> Result<usize, BillingError> {
        let mut tx = self.db.read().await?;
        Ok(requests::list_waiting(&mut tx, self.clock.now()).await?.len())
    }

    /// Whether `staff` needs a second person for what is foreseen.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn needs_a_second(&self, staff: Uuid, of: &Foreseen) -> Result<bool, BillingError> {
        let Some(amount) = of.to_card else { return Ok(false) };
        let mut tx = self.db.read().await?;
        let whose = (staff, of.before.reader);
        self.is_too_much(&mut tx, whose, amount, self.clock.now()).await
    }

    /// Keeps others from deciding about the same reader's money at the same time, so that what one
    /// person gave back is added up right. Comes before the subscription's row is taken.
    pub(super) async fn lock_reader_of(
        &self,
        tx: &mut Tx,
        subscription: Uuid,
    ) -> Result<(), BillingError> {
        let found = store::find(tx, &self.catalogs, subscription).await?;
        let reader = found.ok_or(BillingError::NotFound)?.reader;
        Ok(readers::lock(tx, reader).await?)
    }

    /// Whether whoever acts needs a second person.
    pub(super) async fn takes_two(
        &self,
        tx: &mut Tx,
        (office, it, part): (&Office, &Subscription, &Part),
        now: Timestamp,
    ) -> Result<bool, BillingError> {
        // Whoever has the machine has the books.
        let Some(staff) = office.staff() else { return Ok(false) };
        self.is_too_much(tx, (staff, it.reader), part.amount, now).await
    }

    async fn is_too_much(
        &self,
        tx: &mut Tx,
        whose: (Uuid, Uuid),
        more: Money,
        now: Timestamp,
    ) -> Result<bool, BillingError> {
        let since = now.minus(COUNTS_FOR);
        let before = settle_store::given_by(tx, whose, more.currency, since).await?;
        Ok(self.refund_limits.take_two(before, more))
    }

    /// Writes down what is wanted, and commits. Asking for the very same again is asking once.
    pub(super) async fn ask_for_a_second(
        &self,
        mut tx: Tx,
        wanted: Wanted<'_>,
        office: &Office,
        now: Timestamp,
    ) -> Result<Outcome, BillingError> {
        let request = Request {
            id: self.ids.uuid(now)?,
            subscription: wanted.of.id,
            reader: wanted.of.reader,
            invoice: wanted.part.invoice.head.id,
            amount: wanted.part.amount,
            cancels: wanted.cancels,
            reason: office.reason.clone(),
            requested_by: office.staff().ok_or(NOBODY)?,
            requested_at: now,
            stands: Stands::Waiting,
        };
        if let Some(waits) = requests::find_waiting(&mut tx, wanted.of.id, now).await? {
            let is_same = waits.asks_the_same(&request);
            return is_same
                .then(|| Outcome::Waits(Box::new(waits)))
                .ok_or(BillingError::RequestWaits);
        }
        requests::insert(&mut tx, &request).await?;
        let entry = Entry { action: Action::RefundRequested, ..office.entry.clone() };
        let after = for_the_log(&request, &request.reason);
        audit::append(
            &mut tx,
            &self.audit_key,
            &entry.on("subscription", wanted.of.id).after(after),
        )
        .await?;
        tx.commit().await?;
        Ok(Outcome::Waits(Box::new(request)))
    }

    /// The second person agrees: what was asked for is looked at anew and done.
    ///
    /// # Errors
    /// [`BillingError::Undecided`]; [`BillingError::RefundTooLarge`] or [`Refusal`] where it cannot
    /// be done any more: then it still waits.
    pub async fn approve_refund(&self, id: Uuid, office: &Office) -> Result<Request, BillingError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let office = &named_by_itself(office);
        let (before, request) = self.take_request(&mut tx, id, (office, now)).await?;
        let word = word_of(office, now)?;
        let (request, is_new) = request.decide(Answer::Approve, word)?;
        if !is_new {
            return Ok(request);
        }
        let order = GiveBack { invoice: Some(request.invoice), amount: Some(request.amount) };
        let part = part_of(&mut tx, before.id, order).await?;
        let why = Why { reason: &request.reason, by: Some(request.requested_by) };
        let who = Who { actor: office.actor(), why };
        keep_decision(&mut tx, &request).await?;
        let (action, after) = if request.cancels {
            let running = running_part(&mut tx, &before, now).await?;
            let runs = running.is_some_and(|it| it.invoice.head.id == request.invoice);
            if !runs {
                let why = "the period whose payment was to be given back is over";
                return Err(Refusal::InvalidTransition(why).into());
            }
            let changed = before.clone().cancel_now(EndReason::CanceledByStaff, now)?;
            let ended = self.change(&mut tx, changed, office.actor(), now).await?;
            self.refund_in(&mut tx, (&ended, &part), who, now).await?;
            (Action::SubscriptionCanceled, ended)
        } else {
            let after = self.refund_of(&mut tx, (&before, &part), who, now).await?;
            (Action::SubscriptionRefunded, after)
        };
        // The log comes last, after the number of the credit note: others wait from there on.
        self.log_decision(&mut tx, &request, office).await?;
        let entry = Entry { action, ..office.entry.clone() };
        let act = Office { entry, reason: request.reason.clone(), ..office.clone() };
        self.log_with(&mut tx, &act, (&before, &after), &part.for_the_log()).await?;
        tx.commit().await?;
        self.news.notify_one();
        Ok(request)
    }

    /// The second person does not agree.
    ///
    /// # Errors
    /// [`BillingError::Undecided`].
    pub async fn decline_refund(&self, id: Uuid, office: &Office) -> Result<Request, BillingError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let office = &named_by_itself(office);
        let (_, request) = self.take_request(&mut tx, id, (office, now)).await?;
        let word = word_of(office, now)?;
        let (request, is_new) = request.decide(Answer::Decline, word)?;
        if is_new {
            keep_decision(&mut tx, &request).await?;
            self.log_decision(&mut tx, &request, office).await?;
            tx.commit().await?;
        }
        Ok(request)
    }

    /// Takes the subscription of a request, and then the request: nobody else decides it until the
    /// transaction ends.
    async fn take_request(
        &self,
        tx: &mut Tx,
        id: Uuid,
        (office, now): (&Office, Timestamp),
    ) -> Result<(Subscription, Request), BillingError> {
        let known = requests::find(tx, id).await?.ok_or(BillingError::NotFound)?;
        readers::lock(tx, known.reader).await?;
        let subscription = self.take_any(tx, known.subscription, (office, now)).await?;
        let request = requests::find(tx, id).await?.ok_or(BillingError::NotFound)?;
        Ok((subscription, request))
    }

    async fn log_decision(
        &self,
        tx: &mut Tx,
        request: &Request,
        office: &Office,
    ) -> Result<(), BillingError> {
        let before = json!({"status": "waiting", "requested_by": request.requested_by});
        let after = for_the_log(request, &office.reason);
        let entry = office.entry.clone().on("subscription", request.subscription);
        audit::append(tx, &self.audit_key, &entry.before(before).after(after)).await?;
        Ok(())
    }
}

/// A decision is done once by itself: the request remembers it.
fn named_by_itself(office: &Office) -> Office {
    Office { operation: None, seen: None, ..office.clone() }
}

fn word_of(office: &Office, now: Timestamp) -> Result<Decision, BillingError> {
    let by = office.staff().ok_or(NOBODY)?;
    Ok(Decision { by, at: now, reason: office.reason.clone() })
}

/// Writes down how a request was decided, whose subscription's row was taken.
async fn keep_decision(tx: &mut Tx, request: &Request) -> Result<(), BillingError> {
    let kept = requests::decide(tx, request).await?;
    let taken = BillingError::impossible("a request that somebody else decided");
    if kept { Ok(()) } else { Err(taken) }
}

/// What the audit log says of a request.
fn for_the_log(request: &Request, reason: &str) -> Value {
    json!({"request": request.id, "status": request.stands.as_str(), "amount": request.amount,
           "invoice": request.invoice, "cancels": request.cancels, "reason": reason})
}
