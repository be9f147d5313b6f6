//! Giving notice by an address alone, without logging in.

use super::accounts::{AccountError, Accounts, MailRequest};
use crate::{billing::cancellation_notice::NewNotice, clock::Timestamp};

impl Accounts {
    /// Receives a notice of cancellation for every subscription of the reader with this address, and
    /// returns the moment of the receipt, which is the one that counts. The worker then lets the
    /// subscriptions end with what is paid and writes to the address: when each ends, or that there is
    /// nothing to cancel. A second notice changes nothing more.
    ///
    /// The same statements run for every address, and every notice counts as a mail that was asked for:
    /// neither the time nor the limits of later requests tell whether the address subscribes.
    ///
    /// No limit refuses a notice, however often mails were asked for: the law wants it taken (§ 312k
    /// BGB). Only the mail that nothing is left to cancel is limited, since a stranger could have it sent
    /// without end.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_notice(
        &self,
        asked: MailRequest<'_>,
        reason: Option<String>,
    ) -> Result<Timestamp, AccountError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let may_reply =
            self.mail_limits.try_take(&mut tx, asked.client.0, asked.email, now).await?;
        if !may_reply {
            tracing::info!(
                "a notice was received, and too many mails were asked for: where there is nothing to \
                 cancel, the mail that says so is left out"
            );
        }
        let notice = NewNotice {
            id: self.ids.uuid(now)?,
            email: asked.email,
            words: asked.words,
            comment: reason,
            may_reply,
            received_at: now,
        };
        let reader = self.billing.receive_notice(&mut tx, notice).await?;
        tx.commit().await?;
        self.billing.notice_received(reader);
        Ok(now)
    }
}
