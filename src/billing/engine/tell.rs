//! What readers are told of each change, in the transaction of that change.

use super::{
    Billing, BillingError,
    notices::{price, upcoming},
};
use crate::{
    billing::{
        catalog::localized::Localized,
        charge::model::Charge,
        event::Event,
        invoice::model::Invoice,
        letter::{BillingLetter, EndedBecause, News, Receipt},
        notice::{
            NoticeKind,
            send::{AtOnceLetter, send_at_once},
            store::Owner,
            withdrawal::{Contract, withdrawal_until},
        },
        subscription::model::{EndReason, Paid, State, Subscription, Then},
    },
    clock::Timestamp,
    db::Tx,
    mail::recipient::Recipient,
    money::Money,
    reader::store as readers,
};

fn receipt(charge: &Charge, invoice: &Invoice) -> Receipt {
    Receipt {
        total: charge.amount,
        invoice: invoice.number().unwrap_or_default().to_owned(),
        period: invoice.head.period,
    }
}

impl Billing {
    /// Whom mail goes to; nobody once the account was erased.
    pub(super) async fn recipient(
        &self,
        tx: &mut Tx,
        reader: uuid::Uuid,
    ) -> Result<Option<Recipient>, BillingError> {
        let reader = readers::find(tx, reader).await?;
        Ok(reader.map(|reader| reader.recipient(&self.directory.snapshot(), &self.public_url)))
    }

    /// A letter about a subscription.
    pub(super) fn letter(&self, it: &Subscription, news: News, now: Timestamp) -> BillingLetter {
        BillingLetter {
            plan: it.terms.plan.name.clone(),
            account: format!("{}/account", self.public_url),
            links: Some(self.links.of_subscription(it.id, now)),
            news,
        }
    }

    /// Puts a letter into the outbox.
    pub(super) async fn tell(
        &self,
        tx: &mut Tx,
        it: &Subscription,
        news: News,
        now: Timestamp,
    ) -> Result<(), BillingError> {
        if let Some(to) = self.recipient(tx, it.reader).await? {
            let content = self.letter(it, news, now).content(&to.words);
            self.mail.enqueue(tx, &to, content, now)?;
        }
        Ok(())
    }

    /// Puts a letter that the law wants into the outbox, and keeps a record of it.
    pub(super) async fn tell_for_the_record(
        &self,
        tx: &mut Tx,
        it: &Subscription,
        (kind, news): (NoticeKind, News),
        now: Timestamp,
    ) -> Result<(), BillingError> {
        let Some(to) = self.recipient(tx, it.reader).await? else { return Ok(()) };
        self.write_for_the_record(tx, (it, &to), (kind, news), now)
    }

    fn write_for_the_record(
        &self,
        tx: &mut Tx,
        (it, to): (&Subscription, &Recipient),
        (kind, news): (NoticeKind, News),
        now: Timestamp,
    ) -> Result<(), BillingError> {
        let letter = self.letter(it, news, now);
        let owner = Owner { subscription: it.id, reader: it.reader };
        let what = AtOnceLetter { owner, kind, country: Some(&it.country), letter: &letter };
        Ok(send_at_once(tx, (&self.mail, to), &what, &self.duties, now)?)
    }

    /// Until when the reader may withdraw, if they may.
    #[must_use]
    pub fn withdraw_until(&self, it: &Subscription, now: Timestamp) -> Option<Timestamp> {
        let yearly = it.terms.plan.interval.months() == 12;
        let renewed_at = match &it.state {
            State::Active(Paid { turn, .. }) if yearly && turn.index > 0 => Some(turn.period.start),
            _ => None,
        };
        let paid_at = it.trial.map(|trial| trial.end).filter(|end| *end <= now);
        let contract = Contract {
            country: Some(&it.country),
            started_at: it.trial.map_or(it.created_at, |trial| trial.start),
            trial_paid_at: paid_at,
            year_renewed_at: renewed_at,
        };
        withdrawal_until(&contract, &self.duties, now)
    }

    /// A free trial began, of the reader that `to` names.
    pub(super) fn tell_trial(
        &self,
        tx: &mut Tx,
        (it, to): (&Subscription, &Recipient),
        now: Timestamp,
    ) -> Result<(), BillingError> {
        let Some(trial) = it.trial else { return Ok(()) };
        let news = News::TrialStarted {
            ends: trial.end,
            price: price(it, &it.terms),
            first_charge: upcoming(it).map(|next| next.at),
            withdraw_until: self.withdraw_until(it, now),
        };
        self.write_for_the_record(tx, (it, to), (NoticeKind::Receipt, news), now)
    }

    /// A charge was paid.
    pub(super) async fn tell_paid(
        &self,
        tx: &mut Tx,
        (it, event): (&Subscription, &Event),
        (charge, invoice): (&Charge, &Invoice),
        now: Timestamp,
    ) -> Result<(), BillingError> {
        let (receipt, next) = (receipt(charge, invoice), upcoming(it));
        let withdraw_until = self.withdraw_until(it, now);
        let after_trial = it.trial.is_some_and(|trial| trial.end == receipt.period.start);
        let news = match (event, next) {
            (Event::Activated { .. }, Some(next)) => {
                let news = News::Subscribed { receipt, next, withdraw_until };
                return self.tell_for_the_record(tx, it, (NoticeKind::Receipt, news), now).await;
            }
            (Event::Recovered { .. }, Some(next)) => News::PaymentRecovered { receipt, next },
            (Event::Unpaused { .. }, Some(next)) => {
                let receipt = (!charge.amount.is_zero()).then_some(receipt);
                News::Unpaused { receipt, next }
            }
            (Event::Switched { from, .. }, Some(next)) => News::Switched {
                from: self.plan_name(from),
                at: charge.purchase.turn.period.start,
                charge: charge.amount,
                credit: charge.credit,
                next,
            },
            (_, next) => News::Renewed { receipt, next, after_trial, withdraw_until },
        };
        self.tell(tx, it, news, now).await
    }

    fn plan_name(&self, id: &str) -> Localized {
        let catalog = self.catalogs.current();
        catalog.plan(id).map_or_else(|| Localized::for_all(id), |plan| plan.name.clone())
    }

    /// A charge was declined: told at the first failure, and what follows by reminders.
    pub(super) async fn tell_declined(
        &self,
        tx: &mut Tx,
        (it, event): (&Subscription, &Event),
        charge: &Charge,
        now: Timestamp,
    ) -> Result<(), BillingError> {
        let State::PastDue { failure, .. } = &it.state else {
            return self.tell_change(tx, (it, event), now).await;
        };
        if failure.times > 1 {
            return Ok(());
        }
        let news = News::PaymentFailed {
            amount: charge.amount,
            grace_until: failure.grace_until,
            next_try: failure.retry_at,
            hard: matches!(event, Event::PaymentFailed { hard: true, .. }),
        };
        self.tell(tx, it, news, now).await
    }

    /// The bank wants the reader to confirm a charge.
    pub(super) async fn tell_confirmation(
        &self,
        tx: &mut Tx,
        it: &Subscription,
        (amount, url): (Money, String),
        now: Timestamp,
    ) -> Result<(), BillingError> {
        let Some(until) = it.due_at() else { return Ok(()) };
        let url = if url.starts_with('/') { format!("{}{url}", self.public_url) } else { url };
        self.tell(tx, it, News::ConfirmPayment { amount, url, until }, now).await
    }

    /// Anything else that changed.
    pub(super) async fn tell_change(
        &self,
        tx: &mut Tx,
        (it, event): (&Subscription, &Event),
        now: Timestamp,
    ) -> Result<(), BillingError> {
        let next = upcoming(it);
        let news = match event {
            Event::CancelScheduled { at, .. } => {
                let in_trial = matches!(it.state, State::Trialing { .. });
                let news = News::CancelScheduled { at: now, access_until: *at, in_trial };
                let told = (NoticeKind::CancellationReceipt, news);
                return self.tell_for_the_record(tx, it, told, now).await;
            }
            Event::Ended { at, reason } => return self.tell_end(tx, it, (*at, *reason), now).await,
            Event::CancelRevoked | Event::SwitchRevoked => match next {
                Some(next) => News::Resumed { next },
                None => return Ok(()),
            },
            Event::SwitchScheduled { .. } => match (it.then(), next) {
                (Some(Then::Switch { terms }), Some(next)) => {
                    News::SwitchScheduled { to: terms.plan.name.clone(), next }
                }
                _ => return Ok(()),
            },
            Event::Switched { from, .. } => match next {
                Some(next) => {
                    let nothing = Money::zero(it.terms.currency());
                    let from = self.plan_name(from);
                    News::Switched { from, at: now, charge: nothing, credit: nothing, next }
                }
                None => return Ok(()),
            },
            Event::Extended { days, until } => News::DaysGiven { days: *days, until: *until, next },
            Event::Paused { credit } => News::Paused { at: now, credit: *credit },
            _ => return Ok(()),
        };
        self.tell(tx, it, news, now).await
    }

    async fn tell_end(
        &self,
        tx: &mut Tx,
        it: &Subscription,
        (at, reason): (Timestamp, EndReason),
        now: Timestamp,
    ) -> Result<(), BillingError> {
        let ended = |because| News::Ended { at, because };
        let news = match reason {
            EndReason::PaymentFailed => ended(EndedBecause::PaymentFailed),
            EndReason::TrialEnded => ended(EndedBecause::TrialOver),
            EndReason::CanceledByReader | EndReason::CanceledByStaff => {
                let news = News::CanceledNow { at, refund: None };
                let told = (NoticeKind::CancellationReceipt, news);
                return self.tell_for_the_record(tx, it, told, now).await;
            }
            _ => return Ok(()),
        };
        self.tell(tx, it, news, now).await
    }
}
