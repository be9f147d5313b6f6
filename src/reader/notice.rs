//! Giving notice by an address alone, without logging in.

use super::{
    accounts::{AccountError, Accounts},
    store,
};
use crate::{
    billing::{
        engine::{BillingError, CancelAt, Cancellation},
        subscription::model::State,
    },
    language::Words,
    mail::{address::Address, letter::Letter},
};

impl Accounts {
    /// Lets every subscription of whoever has this address end with what is paid, and writes to the
    /// address: when each ends, or that there is nothing to cancel. Done twice it changes nothing
    /// more.
    ///
    /// # Errors
    /// [`AccountError::TooMany`] when too many mails were asked for; then nothing was done.
    pub async fn give_notice(
        &self,
        (email, asked_in): (&Address, &Words),
        reason: Option<String>,
    ) -> Result<(), AccountError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        self.count_mail(&mut tx, email, now).await?;
        let reader = store::find_by_email(&mut tx, email).await?;
        tx.commit().await?;
        let to = self.whoever_has((email, asked_in), reader.as_ref());
        let mut canceled = 0;
        if let Some(reader) = reader {
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
            let mut tx = self.db.write().await?;
            let letter = Letter::NothingToCancel { at: now };
            self.write_to(&mut tx, &to, &letter, now)?;
            tx.commit().await?;
        }
        Ok(())
    }
}
