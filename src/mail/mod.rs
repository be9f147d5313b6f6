//! Writing to people.
//!
//! Pure: `address` (whom we can write to; `lookalike` finds domains that pass for others),
//! `recipient` (to whom we do, and how) and `letter` (what we write), with its `priority`. `outbox`
//! keeps mails until they are sent, in the transaction that is their reason; `queue_metrics` counts
//! them. `clicks` knows in which of them a link was used. `arrivals` wakes `worker`, which sends by
//! `smtp`; in a sandbox nothing is sent, and `sandbox` is a mailbox to look into.

pub mod address;
mod arrivals;
pub mod clicks;
pub mod letter;
mod lookalike;
mod mailbox;
pub mod outbox;
pub mod priority;
pub mod queue_metrics;
pub mod recipient;
pub mod sandbox;
pub mod smtp;
pub mod worker;

use std::sync::Arc;

use uuid::Uuid;

pub use self::arrivals::Arrivals;
use self::{
    letter::{Content, Look},
    outbox::NewMail,
    recipient::Recipient,
};
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
    ids::{Ids, NoRandomness},
};

/// Why a mail could not be put into the outbox.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It has no name.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// A template could not be written out.
    #[error("a mail could not be written: {0}")]
    Template(#[from] askama::Error),
}

/// Where mails are handed in.
#[derive(Debug, Clone)]
pub struct MailRoom {
    look: Arc<Look>,
    ids: Ids,
    arrivals: Arc<Arrivals>,
    keeps: bool,
}

impl MailRoom {
    /// Mails in the name of `publisher`.
    #[must_use]
    pub fn new(publisher: &str, ids: Ids) -> Self {
        let look = Arc::new(Look::plain(publisher));
        Self { look, ids, arrivals: Arc::default(), keeps: false }
    }

    /// The same where nothing is sent: what is handed in is kept, to be looked into.
    #[must_use]
    pub fn that_keeps(self) -> Self {
        Self { keeps: true, ..self }
    }

    /// Whether mails are kept, and none is ever sent.
    #[must_use]
    pub fn keeps(&self) -> bool {
        self.keeps
    }

    /// In whose name we write.
    #[must_use]
    pub fn publisher(&self) -> &str {
        &self.look.publisher
    }

    /// Where each mail is announced that was committed to the outbox.
    #[must_use]
    pub fn arrivals(&self) -> Arc<Arrivals> {
        Arc::clone(&self.arrivals)
    }

    /// Puts a letter into the outbox, and says as which mail; it goes out when `tx` is committed.
    ///
    /// # Errors
    /// [`MailError`].
    pub fn enqueue(
        &self,
        tx: &mut Tx,
        to: &Recipient,
        content: Content,
        now: Timestamp,
    ) -> Result<Uuid, MailError> {
        let rendered = content.render(to.look.as_ref().unwrap_or(&self.look))?;
        let tokens = content.tokens();
        let id = self.ids.uuid(now)?;
        let mail = NewMail {
            id,
            to: &to.address,
            subject: rendered.subject,
            text: rendered.text,
            html: rendered.html,
            unsubscribe_url: content.unsubscribe,
            priority: content.priority,
            expires_at: now.plus(content.keeps_for),
        };
        outbox::insert(tx, mail, now);
        clicks::keep(tx, id, &tokens);
        let (arrivals, priority) = (self.arrivals(), content.priority);
        tx.after_commit(move || arrivals.announce(priority));
        Ok(id)
    }
}
