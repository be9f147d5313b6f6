//! What staff give away: a product, for a while; and how that ends before its time.

use serde_json::json;
use time::Duration;
use uuid::Uuid;

use super::{
    Billing, BillingError,
    office::{Office, check_new, note_done},
};
use crate::{
    audit::store as audit,
    billing::{
        catalog::model::Product,
        grant::{self, Grant},
        letter::{BillingLetter, News},
        subscription::change::Refusal,
        waiting_gift::WaitingGift,
    },
    clock::Timestamp,
    db::Tx,
    mail::letter::Letter,
    reader::{model::Reader, store as readers},
};

/// Longest time that can be given at once.
pub const DAYS_MAX: u32 = 3_660;

/// What staff give away.
#[derive(Debug, Clone)]
pub struct Gift {
    /// To whom.
    pub reader: Uuid,
    /// What; the first product of the catalog where nothing is said.
    pub product: Option<String>,
    /// For how many days, from now on.
    pub days: u32,
}

impl Billing {
    /// The product of this id; the first of the catalog where nothing is said.
    ///
    /// # Errors
    /// [`BillingError::Invalid`].
    pub fn product_to_give(&self, id: Option<&str>) -> Result<Product, BillingError> {
        let catalog = self.catalogs.current();
        let product = match id {
            Some(id) => catalog.product(id),
            None => catalog.products.first(),
        };
        product.cloned().ok_or_else(|| {
            let rule = "must be the id of a product of the catalog".to_owned();
            BillingError::Invalid { field: "product", rule }
        })
    }

    /// Gives a reader a product for a while; what was given under the same name before is not given
    /// again.
    ///
    /// # Errors
    /// [`BillingError`].
    pub async fn give(&self, gift: Gift, office: &Office) -> Result<Grant, BillingError> {
        let now = self.clock.now();
        let product = self.product_to_give(gift.product.as_deref())?;
        let mut tx = self.db.write().await?;
        readers::lock(&mut tx, gift.reader).await?;
        let reader = readers::find(&mut tx, gift.reader).await?.ok_or(BillingError::NotFound)?;
        let id = match office.operation {
            Some(operation) => operation,
            None => self.ids.uuid(now)?,
        };
        if let Some(given) = grant::find(&mut tx, id).await? {
            let is_same = given.reader_id == gift.reader;
            return if is_same { Ok(given) } else { Err(Refusal::PreviewStale.into()) };
        }
        let given = Grant {
            id,
            reader_id: gift.reader,
            product: product.id.clone(),
            starts_at: now,
            ends_at: now.plus(Duration::days(i64::from(gift.days))),
            given_by: office.actor().to_text(),
            reason: office.reason.clone(),
            created_at: now,
            revoked_at: None,
            revoked_by: None,
            revoke_reason: None,
        };
        self.give_in(&mut tx, (&reader, &product), &given).await?;
        let after = json!({"product": given.product, "until": given.ends_at,
                           "reason": office.reason});
        let entry = office.entry.clone().on("reader", gift.reader).after(after);
        audit::append(&mut tx, &self.audit_key, &entry).await?;
        tx.commit().await?;
        Ok(given)
    }

    /// Writes down what is given, and tells the reader.
    pub(super) async fn give_in(
        &self,
        tx: &mut Tx,
        (reader, product): (&Reader, &Product),
        given: &Grant,
    ) -> Result<(), BillingError> {
        self.standings.forget(reader.id);
        grant::insert(tx, given).await?;
        let letter = BillingLetter {
            plan: product.name.clone(),
            account: format!("{}/account", self.public_url),
            links: None,
            news: News::Complimentary { until: Some(given.ends_at) },
        };
        let to = reader.recipient(&self.directory.snapshot(), &self.public_url);
        self.mail.enqueue(tx, &to, letter.content(&to.words), given.created_at)?;
        Ok(())
    }

    /// Gives a reader what waited for the address, in the transaction that accepts it.
    ///
    /// # Errors
    /// [`BillingError`].
    pub async fn accept(
        &self,
        tx: &mut Tx,
        (reader, gift): (&Reader, WaitingGift),
        now: Timestamp,
    ) -> Result<(), BillingError> {
        let product = self.product_to_give(Some(&gift.product))?;
        let given = Grant {
            id: gift.id,
            reader_id: reader.id,
            product: gift.product,
            starts_at: now,
            ends_at: now.plus(Duration::days(i64::from(gift.days))),
            given_by: gift.given_by,
            reason: gift.reason,
            created_at: now,
            revoked_at: None,
            revoked_by: None,
            revoke_reason: None,
        };
        self.give_in(tx, (reader, &product), &given).await
    }

    /// One that was given away, whoever's it is.
    ///
    /// # Errors
    /// [`BillingError::NotFound`].
    pub async fn find_grant(&self, id: Uuid) -> Result<Grant, BillingError> {
        grant::find(&mut self.db.read().await?, id).await?.ok_or(BillingError::NotFound)
    }

    /// Takes back what was given away: its reader reads by the meter from now on, or by what is
    /// paid.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] where it has ended; [`BillingError`].
    pub async fn end_grant(&self, id: Uuid, office: &Office) -> Result<Grant, BillingError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let found = grant::find(&mut tx, id).await?.ok_or(BillingError::NotFound)?;
        readers::lock(&mut tx, found.reader_id).await?;
        check_new(&mut tx, id, office).await?;
        if !grant::revoke(&mut tx, id, (&office.actor().to_text(), &office.reason), now).await? {
            return Err(Refusal::InvalidTransition("it has ended already").into());
        }
        self.standings.forget(found.reader_id);
        self.tell_end_of_grant(&mut tx, found.reader_id, now).await?;
        note_done(&mut tx, id, office).await?;
        let entry = office.entry.clone().on("reader", found.reader_id);
        let entry = entry.before(json!({"product": found.product, "until": found.ends_at}));
        let entry = entry.after(json!({"product": found.product, "until": now,
                                       "reason": office.reason}));
        audit::append(&mut tx, &self.audit_key, &entry).await?;
        tx.commit().await?;
        self.find_grant(id).await
    }

    async fn tell_end_of_grant(
        &self,
        tx: &mut Tx,
        reader: Uuid,
        at: Timestamp,
    ) -> Result<(), BillingError> {
        let Some(to) = self.recipient(tx, reader).await? else { return Ok(()) };
        let letter = Letter::GuestAccessEnded { at };
        self.mail.enqueue(tx, &to, letter.content(&to.words), at)?;
        Ok(())
    }
}
