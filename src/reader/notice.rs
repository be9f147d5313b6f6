//! Giving notice by an address alone, without logging in.

use super::{
    accounts::{AccountError, Accounts, MailRequest},
    model::Reader,
    store,
};
use crate::{
    billing::{
        engine::{BillingError, CancelAt, Cancellation},
        subscription::model::State,
    },
    clock::Timestamp,
    mail::letter::Letter,
};

impl Accounts {
    /// Lets every subscription of the reader with this address end with what is paid, and writes to
    /// the address: when each ends, or that there is nothing to cancel. Done twice it changes
    /// nothing more.
    ///
    /// No limit stands in the way of a notice, however often mails were asked for: the law wants it
    /// taken (§ 312k BGB). Each subscription ends once, and is written about once. Only the mail
    /// that nothing is left to cancel is limited: a stranger could have it sent without end.
    ///
    /// # Errors
    /// When the database or the gateway fails.
    pub async fn give_notice(
        &self,
        asked: MailRequest<'_>,
        reason: Option<String>,
    ) -> Result<(), AccountError> {
        let now = self.clock.now();
        let reader = store::find_by_email(&mut self.db.read().await?, asked.email).await?;
        let mut canceled = 0;
        if let Some(reader) = &reader {
            for it in self.billing.list(reader.id).await? {
                let ends = it.state.ended().is_some() || it.cancels_at_period_end();
                if ends || matches!(it.state, State::Incomplete { .. }) {
                    continue;
                }
                let at = CancelAt::PeriodEnd;
                let cancellation = Cancellation { at, comment: reason.clone() };
                match self.billing.cancel((reader.id, it.id), cancellation).await {
                    Ok(_) => canceled += 1,
                    // It ended in this very moment.
                    Err(BillingError::Refused(_) | BillingError::NotFound) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        if canceled == 0 {
            self.write_of_nothing_to_cancel(asked, reader.as_ref(), now).await?;
        }
        Ok(())
    }

    async fn write_of_nothing_to_cancel(
        &self,
        asked: MailRequest<'_>,
        reader: Option<&Reader>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let mut tx = self.db.write().await?;
        match self.count_mail(&mut tx, asked.email, asked.client, now).await {
            Ok(()) => {}
            Err(AccountError::TooMany(_)) => {
                tracing::info!(
                    reader.id = reader.map(|reader| tracing::field::display(reader.id)),
                    "a notice was taken that had nothing to cancel; the mail that says so was left \
                     out, because too many were asked for"
                );
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        let to = self.whoever_has(asked, reader);
        self.write_to(&mut tx, &to, &Letter::NothingToCancel { at: now }, now)?;
        Ok(tx.commit().await?)
    }
}
