//! What readers may see of their own invoices: those that have a number.

use uuid::Uuid;

use super::{
    credit::CreditNote,
    credit_store::{list_notes, list_refunds},
    model::Invoice,
    paper::{self, Kind},
    store,
    view::InvoiceView,
};
use crate::{
    billing::engine::{Billing, BillingError},
    db::{StoreError, Tx},
    language::Language,
    reader::{model::Reader, store as readers},
};

/// The reader's invoices, the newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list(tx: &mut Tx, reader: Uuid) -> Result<Vec<InvoiceView>, StoreError> {
    let invoices = store::list_for_reader(tx, reader).await?;
    let (notes, refunds) = (list_notes(tx, reader).await?, list_refunds(tx, reader).await?);
    Ok(invoices.iter().map(|invoice| InvoiceView::of(invoice, &notes, &refunds)).collect())
}

/// One of somebody else is as good as none.
async fn find(
    tx: &mut Tx,
    reader: Uuid,
    id: Uuid,
) -> Result<(Invoice, Vec<CreditNote>), BillingError> {
    let found = store::find(tx, id).await?;
    let own = found.filter(|it| it.head.reader == reader && it.number().is_some());
    Ok((own.ok_or(BillingError::NotFound)?, list_notes(tx, reader).await?))
}

impl Billing {
    /// The reader's invoices, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn invoices(&self, reader: Uuid) -> Result<Vec<InvoiceView>, BillingError> {
        Ok(list(&mut self.db.read().await?, reader).await?)
    }

    /// The reader's invoices as they are kept, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn issued(&self, reader: Uuid) -> Result<Vec<Invoice>, BillingError> {
        Ok(store::list_for_reader(&mut self.db.read().await?, reader).await?)
    }

    /// An invoice of the reader.
    ///
    /// # Errors
    /// [`BillingError::NotFound`], also for one of somebody else.
    pub async fn invoice(&self, reader: Uuid, id: Uuid) -> Result<InvoiceView, BillingError> {
        let mut tx = self.db.read().await?;
        let (invoice, notes) = find(&mut tx, reader, id).await?;
        Ok(InvoiceView::of(&invoice, &notes, &list_refunds(&mut tx, reader).await?))
    }

    /// An invoice of the reader, or its receipt, as a page to be printed.
    ///
    /// # Errors
    /// [`BillingError::NotFound`], also for one of somebody else, and for the receipt of one that
    /// was not paid.
    pub async fn print_invoice(
        &self,
        (reader, id): (Uuid, Uuid),
        kind: Kind,
    ) -> Result<String, BillingError> {
        let mut tx = self.db.read().await?;
        let account = readers::find(&mut tx, reader).await?.ok_or(BillingError::Gone)?;
        let of = find(&mut tx, reader, id).await?;
        self.printed(kind, &of, Some(&account))
    }

    /// Any invoice that has a number, as its reader prints it; without a name once the account was
    /// erased.
    ///
    /// # Errors
    /// [`BillingError::NotFound`].
    pub async fn print_any_invoice(&self, id: Uuid) -> Result<(Uuid, String), BillingError> {
        let mut tx = self.db.read().await?;
        let invoice = store::find(&mut tx, id).await?.ok_or(BillingError::NotFound)?;
        let account = readers::find(&mut tx, invoice.head.reader).await?;
        let notes = list_notes(&mut tx, invoice.head.reader).await?;
        let reader = invoice.head.reader;
        Ok((reader, self.printed(Kind::Invoice, &(invoice, notes), account.as_ref())?))
    }

    fn printed(
        &self,
        kind: Kind,
        (invoice, notes): &(Invoice, Vec<CreditNote>),
        account: Option<&Reader>,
    ) -> Result<String, BillingError> {
        // As they are written to: in the name of their site, and in the language that it speaks.
        let to = account.map(|it| it.recipient(&self.directory.snapshot(), &self.public_url));
        let look = to.as_ref().and_then(|to| to.look.as_ref());
        let publisher = look.map_or(self.mail.publisher(), |look| &look.publisher);
        let language = to.as_ref().map_or(Language::English, |to| to.words.language);
        let whose = (publisher, account.map_or("–", |account| account.email.typed()));
        let page = paper::print(kind, (invoice, notes), whose, language);
        page.map_err(|error| BillingError::Failed(error.into()))?.ok_or(BillingError::NotFound)
    }
}
