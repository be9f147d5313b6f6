//! One reader, as staff see one: who, what, since when, and what happened.

use uuid::Uuid;

use super::desk::{Desk, DeskError};
use crate::{
    auth::{
        access_token::Realm,
        session::{model::Session, store as sessions},
    },
    billing::{
        grant::{self, Grant},
        invoice::{credit_store as credits, store as invoices, view::InvoiceView},
        ledger::{balance, statement::Line, store as ledger},
        subscription::{model::Subscription, store as subscriptions},
    },
    mail::outbox::{self, ListedMail},
    money::Money,
    reader::{
        model::Reader,
        note_store::{self, Note},
        store as readers,
    },
};

/// Everything that answers a question about a reader.
#[derive(Debug)]
pub struct ReaderReview {
    /// Who.
    pub reader: Reader,
    /// The latest first.
    pub subscriptions: Vec<Subscription>,
    /// What was given away.
    pub grants: Vec<Grant>,
    /// The newest first.
    pub invoices: Vec<InvoiceView>,
    /// What we owe the reader, in each currency.
    pub balances: Vec<Money>,
    /// Where the reader is logged in, the last used first.
    pub devices: Vec<Session>,
    /// What was written to the reader, the latest first.
    pub mails: Vec<ListedMail>,
    /// What the ledger says, the latest first.
    pub ledger: Vec<Line>,
    /// What staff wrote down, the latest first.
    pub notes: Vec<Note>,
}

impl Desk {
    /// The reader with this id.
    ///
    /// # Errors
    /// [`DeskError::NotFound`].
    pub async fn reader(&self, id: Uuid) -> Result<Reader, DeskError> {
        let found = readers::find(&mut self.db.read().await?, id).await?;
        found.ok_or(DeskError::NotFound)
    }

    /// Everything about one reader.
    ///
    /// # Errors
    /// [`DeskError::NotFound`].
    pub async fn review_reader(&self, id: Uuid) -> Result<ReaderReview, DeskError> {
        let billing = &self.readers.billing;
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let reader = readers::find(&mut tx, id).await?.ok_or(DeskError::NotFound)?;
        let notes = credits::list_notes(&mut tx, id).await?;
        let refunds = credits::list_refunds(&mut tx, id).await?;
        let invoices = invoices::list_for_reader(&mut tx, id).await?;
        let subscriptions = subscriptions::list_of(&mut tx, &billing.catalogs, id).await?;
        Ok(ReaderReview {
            subscriptions: subscriptions.into_iter().map(|it| it.as_of(now)).collect(),
            grants: grant::list_of(&mut tx, id).await?,
            invoices: invoices.iter().map(|it| InvoiceView::of(it, &notes, &refunds)).collect(),
            balances: balance::list_of(&mut tx, id).await?,
            devices: sessions::list(&mut tx, Realm::Reader, id, now).await?,
            mails: self.as_they_stand(outbox::list_to(&mut tx, &reader.email).await?),
            notes: note_store::list(&mut tx, id).await?,
            ledger: ledger::statement_of(&mut tx, id).await?,
            reader,
        })
    }
}
