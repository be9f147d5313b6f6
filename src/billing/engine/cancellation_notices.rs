//! Letting notices of cancellation take effect that were received without a login.
//!
//! The request only writes the notice down; the worker looks for notices each second, and always before
//! it charges anything. They are not worked off at once: the time that takes would show in the next
//! request of the sender, and tell who subscribes.

use time::Duration;
use uuid::Uuid;

use super::{Billing, BillingError};
use crate::{
    billing::{
        cancellation_notice::{self as notices, CancellationNotice, ExportedNotice, NewNotice},
        event::{Actor, Event},
        invoice::credit::CANCELED,
        letter::News,
        notice::NoticeKind,
        subscription::{
            cancellation::NoticeEffect,
            model::{EndReason, Subscription},
            store,
        },
    },
    clock::Timestamp,
    db::{StoreError, Tx},
    mail::{address::Address, letter::Letter, recipient::Recipient},
};

/// Most notices in one transaction.
const BATCH: i64 = 100;
/// Longest wait before a notice is tried again.
const RETRY_MAX: Duration = Duration::minutes(15);
/// A notice that failed so often needs a person.
const ATTEMPTS_MAX: i64 = 8;

impl Billing {
    /// Receives a notice, which takes effect within a second, and before anything is charged. Says
    /// which reader to [remember](Billing::notice_received) once `tx` is committed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn receive_notice(
        &self,
        tx: &mut Tx,
        new: NewNotice<'_>,
    ) -> Result<Option<Uuid>, StoreError> {
        notices::insert(tx, new).await
    }

    /// Lets `reader` see the effect of a notice that was received just now with the next request.
    pub fn notice_received(&self, reader: Option<Uuid>) {
        if let Some(reader) = reader {
            self.received_notices.add(reader);
        }
    }

    /// Lets the notices that this process received for `reader` take effect, before the reader looks.
    pub async fn catch_up(&self, reader: Uuid) {
        if !self.received_notices.remove(reader) {
            return;
        }
        if let Err(error) = Box::pin(self.work_off_of(reader)).await {
            tracing::warn!(reader.id = %reader, "a notice takes effect later: {error}");
        }
    }

    async fn work_off_of(&self, reader: Uuid) -> Result<(), BillingError> {
        let waiting = notices::of_reader(&mut self.db.read().await?, reader).await?;
        self.work_off(&waiting).await
    }

    /// Lets the notices that are due take effect, and says how many there were.
    ///
    /// # Errors
    /// When the database cannot be asked at all.
    pub async fn work_off_notices(&self) -> Result<usize, BillingError> {
        self.received_notices.clear();
        let now = self.clock.now();
        let due = notices::list_due(&mut self.db.read().await?, now, BATCH).await?;
        self.work_off(&due).await?;
        Ok(due.len())
    }

    /// The notices of a reader that have not taken effect yet, for the reader's export.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn waiting_notices(
        &self,
        tx: &mut Tx,
        reader: Uuid,
    ) -> Result<Vec<ExportedNotice>, StoreError> {
        let waiting = notices::of_reader(tx, reader).await?;
        Ok(waiting.into_iter().map(ExportedNotice::from).collect())
    }

    async fn work_off(&self, waiting: &[CancellationNotice]) -> Result<(), BillingError> {
        if waiting.is_empty() || self.take_effect_all(waiting).await.is_ok() {
            return Ok(());
        }
        // Failures are isolated per notice.
        for notice in waiting {
            if let Err(error) = self.take_effect_all(std::slice::from_ref(notice)).await {
                self.retry_notice(notice, &error).await?;
            }
        }
        Ok(())
    }

    async fn take_effect_all(&self, waiting: &[CancellationNotice]) -> Result<(), BillingError> {
        let mut tx = self.db.write().await?;
        for notice in waiting {
            self.take_effect(&mut tx, notice).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Cancels what the reader of a notice had at its receipt, or writes that there was nothing, and
    /// deletes the notice: all in one transaction, so it happens once.
    async fn take_effect(
        &self,
        tx: &mut Tx,
        notice: &CancellationNotice,
    ) -> Result<(), BillingError> {
        if !notices::take(tx, notice.id).await? {
            return Ok(());
        }
        let mut affected = Vec::new();
        for id in self.open_of(tx, notice.reader).await? {
            let Some(it) = store::take(tx, &self.catalogs, id).await? else { continue };
            let it = it.as_of(notice.received_at);
            let effect = it.effect_of_notice(notice.received_at);
            if effect == NoticeEffect::Undecided {
                let due_at = self.clock.now().plus(retry_after(notice.attempts));
                notices::postpone(tx, notice.id, "a payment is open", due_at);
                return Ok(());
            }
            affected.push((it, effect));
        }
        let mut canceled = false;
        for (it, effect) in affected {
            canceled |= self.apply_notice(tx, it, effect, notice).await?;
        }
        if !canceled && notice.may_reply {
            self.write_nothing_to_cancel(tx, notice).await?;
        }
        notices::delete(tx, notice.id);
        Ok(())
    }

    async fn open_of(&self, tx: &mut Tx, reader: Option<Uuid>) -> Result<Vec<Uuid>, StoreError> {
        match reader {
            Some(reader) => store::open_of(tx, reader).await,
            None => Ok(Vec::new()),
        }
    }

    async fn apply_notice(
        &self,
        tx: &mut Tx,
        it: Subscription,
        effect: NoticeEffect,
        notice: &CancellationNotice,
    ) -> Result<bool, BillingError> {
        match effect {
            NoticeEffect::None | NoticeEffect::Undecided => Ok(false),
            NoticeEffect::Cancel => {
                let (comment, at) = (notice.comment.clone(), notice.received_at);
                Ok(self.cancel_at_period_end(tx, it, comment, at).await?.is_some())
            }
            NoticeEffect::EndAt(end) => {
                self.undo_renewal(tx, it, end).await?;
                Ok(true)
            }
        }
    }

    /// Ends a subscription that was renewed at `end`, and gives the payment back.
    async fn undo_renewal(
        &self,
        tx: &mut Tx,
        it: Subscription,
        end: Timestamp,
    ) -> Result<(), BillingError> {
        let now = self.clock.now();
        let ended = it.cancel_now(EndReason::CanceledByReader, end)?;
        let refund = self.give_back_since(tx, (ended.0.id, end), CANCELED, now).await?;
        let ended = self.record(tx, ended, Actor::Reader, now).await?;
        if let Some(amount) = refund {
            let event = Event::Refunded { amount, reason: CANCELED.to_owned() };
            self.write_event(tx, (&ended, &event), Actor::Reader, now)?;
        }
        let news = News::CanceledNow { at: end, refund };
        self.tell_for_the_record(tx, &ended, (NoticeKind::CancellationReceipt, news), now).await
    }

    async fn write_nothing_to_cancel(
        &self,
        tx: &mut Tx,
        notice: &CancellationNotice,
    ) -> Result<(), BillingError> {
        let reader = match notice.reader {
            Some(reader) => self.recipient(tx, reader).await?,
            None => None,
        };
        let stranger = || Recipient::new(&notice.email, notice.words.clone());
        let to = reader.unwrap_or_else(stranger);
        let letter = Letter::NothingToCancel { at: notice.received_at };
        self.mail.enqueue(tx, &to, letter.content(&to.words), notice.received_at)?;
        Ok(())
    }

    async fn retry_notice(
        &self,
        notice: &CancellationNotice,
        error: &BillingError,
    ) -> Result<(), BillingError> {
        let why: String = error.to_string().chars().take(300).collect();
        let due_at = self.clock.now().plus(retry_after(notice.attempts));
        let mut tx = self.db.write().await?;
        if !notices::take(&mut tx, notice.id).await? {
            return Ok(());
        }
        notices::postpone(&mut tx, notice.id, &why, due_at);
        tx.commit().await?;
        let (id, attempt) = (notice.id, notice.attempts + 1);
        if attempt >= ATTEMPTS_MAX {
            tracing::error!(notice.id = %id, attempt, "a notice of cancellation has no effect: {error}");
        } else {
            tracing::warn!(notice.id = %id, attempt, "a notice of cancellation is tried again: {error}");
        }
        Ok(())
    }

    /// Deletes the notices of a reader whose account is erased, and with `email` those that were
    /// given with the address before it was the reader's.
    pub(crate) async fn forget_notices(
        &self,
        tx: &mut Tx,
        reader: Uuid,
        email: Option<&Address>,
    ) -> Result<(), StoreError> {
        notices::forget(tx, reader).await?;
        match email {
            Some(email) => notices::forget_address(tx, email).await,
            None => Ok(()),
        }
    }
}

/// One second, then twice as long each time.
fn retry_after(attempts: i64) -> Duration {
    let doubled = Duration::SECOND * (1_i32 << attempts.clamp(0, 10));
    doubled.min(RETRY_MAX)
}
