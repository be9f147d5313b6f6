//! Gifts to an address: at once where it has an account, else by a link in a mail that makes one.
//!
//! That link grants the days and does not log in: it lives far longer than a link that does.

use serde_json::json;
use time::Duration;
use uuid::Uuid;

use super::{
    accounts::{AccountError, Accounts},
    link_store,
    model::Reader,
    store,
};
use crate::{
    audit::store as audit,
    auth::session::secret::{Secret, SecretHash, SecretKind},
    billing::{
        engine::{BillingError, Gift, Office},
        grant::{self, Grant},
        waiting_gift::{self, WaitingGift},
    },
    clock::Timestamp,
    db::Tx,
    http::client_ip::ClientIp,
    language::{Language, Words},
    mail::{address::Address, clicks, letter::Letter, recipient::Recipient},
    numbers::{
        figure::{Fact, Figure},
        store as numbers,
    },
};

/// How long a gift waits to be accepted.
const WAITS_FOR: Duration = Duration::days(60);

/// A gift to an address.
#[derive(Debug, Clone)]
pub struct Offer {
    /// To whom.
    pub email: Address,
    /// How they are spoken to, where they have no account that says so.
    pub language: Language,
    /// What; the first product of the catalog where nothing is said.
    pub product: Option<String>,
    /// For how many days, from when it is accepted.
    pub days: u32,
}

/// What became of it.
#[derive(Debug)]
pub enum Offered {
    /// The address has an account, which has it now.
    Given(Grant),
    /// It waits to be accepted.
    Waits(WaitingGift),
}

/// A gift that was accepted: the days have begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// By its reader, who is logged in in this browser.
    Here,
    /// A link that logs in is on its way to the address of the gift.
    LinkSent,
    /// The address has been sent too many mails; its reader logs in by themselves.
    WithoutLink,
}

impl Accounts {
    /// Gives a product to whoever has an address.
    ///
    /// # Errors
    /// [`BillingError::GiftWaits`]; [`BillingError`].
    pub async fn offer(&self, offer: Offer, office: &Office) -> Result<Offered, BillingError> {
        let known = store::find_by_email(&mut self.db.read().await?, &offer.email).await?;
        // A provisional account is not known to be its owner's: the gift waits until a mail is answered.
        if let Some(reader) = known.filter(Reader::is_proved) {
            let gift = Gift { reader: reader.id, product: offer.product, days: offer.days };
            return Ok(Offered::Given(self.billing.give(gift, office).await?));
        }
        let now = self.clock.now();
        let product = self.billing.product_to_give(offer.product.as_deref())?;
        let token = Secret::generate(&self.ids, SecretKind::Link)?;
        let id = match office.operation {
            Some(operation) => operation,
            None => self.ids.uuid(now)?,
        };
        let gift = WaitingGift {
            id,
            email: offer.email,
            language: offer.language,
            product: product.id,
            days: offer.days,
            given_by: office.actor().to_text(),
            reason: office.reason.clone(),
            created_at: now,
            expires_at: now.plus(WAITS_FOR),
        };
        let mut tx = self.db.write().await?;
        if !waiting_gift::insert(&mut tx, &gift, token.hash()).await? {
            // The same one, sent twice, or another.
            let same = waiting_gift::by_id(&mut tx, id).await?;
            let same = same.filter(|same| same.email.key() == gift.email.key());
            return same.map(Offered::Waits).ok_or(BillingError::GiftWaits);
        }
        let to = self.stranger(&gift);
        let letter = Letter::Gift {
            link: self.link_to("/gift", &token),
            product: product.name.in_language(to.words.language).to_owned(),
            days: gift.days,
            until: gift.expires_at,
        };
        self.mail.enqueue(&mut tx, &to, letter.content(&to.words), now)?;
        let after = json!({"product": gift.product, "days": gift.days, "reason": gift.reason});
        let entry = office.entry.clone().on("gift", id).after(after);
        audit::append(&mut tx, &self.audit_key, &entry).await?;
        tx.commit().await?;
        Ok(Offered::Waits(gift))
    }

    /// Whoever a gift is for, who has no account yet: spoken to in its language, by the calendar of
    /// the first site.
    fn stranger(&self, gift: &WaitingGift) -> Recipient {
        let site = self.directory.snapshot().first_site();
        let zone = site.as_ref().map_or("UTC", |site| &site.site.time_zone);
        Recipient::new(&gift.email, Words::new(gift.language, zone))
    }

    /// The gifts that wait, the latest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn waiting_gifts(&self) -> Result<Vec<WaitingGift>, BillingError> {
        Ok(waiting_gift::list(&mut self.db.read().await?, self.clock.now()).await?)
    }

    /// Takes a gift that waits back: its link leads nowhere from now on.
    ///
    /// # Errors
    /// [`BillingError::NotFound`] where none waits by this id.
    pub async fn withdraw_gift(&self, id: Uuid, office: &Office) -> Result<(), BillingError> {
        let mut tx = self.db.write().await?;
        if !waiting_gift::delete(&mut tx, id).await? {
            return Err(BillingError::NotFound);
        }
        let entry = office.entry.clone().on("gift", id);
        let entry = entry.after(json!({"reason": office.reason}));
        audit::append(&mut tx, &self.audit_key, &entry).await?;
        Ok(tx.commit().await?)
    }

    /// The gift of a link that was mailed, left as it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn gift_of(&self, token: &str) -> Result<Option<WaitingGift>, AccountError> {
        let Some(hash) = SecretHash::of(SecretKind::Link, token) else { return Ok(None) };
        let mut tx = self.db.read().await?;
        Ok(waiting_gift::find(&mut tx, hash, self.clock.now()).await?)
    }

    /// Accepts the gift that `token` was mailed for: its address has an account from now on, and the
    /// days begin. It does not log in; where the reader is not `here` already, a regular link
    /// is mailed to the address.
    ///
    /// # Errors
    /// [`AccountError::InvalidLink`].
    pub async fn accept_gift(
        &self,
        token: &str,
        (here, client): (Option<Uuid>, ClientIp),
    ) -> Result<Accepted, AccountError> {
        let hash = SecretHash::of(SecretKind::Link, token).ok_or(AccountError::InvalidLink)?;
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let gift = waiting_gift::find(&mut tx, hash, now).await?;
        let gift = gift.ok_or(AccountError::InvalidLink)?;
        // The account first, then the gift, as with links.
        let reader = self.reader_for_gift(&mut tx, &gift, now).await?;
        if !waiting_gift::delete(&mut tx, gift.id).await? {
            return Err(AccountError::InvalidLink);
        }
        // Under the same id: what was accepted once is not given again.
        if grant::find(&mut tx, gift.id).await?.is_none() {
            self.billing.accept(&mut tx, (&reader, gift), now).await?;
        }
        link_store::delete_for(&mut tx, &reader.email).await?;
        clicks::note(&mut tx, token, now).await?;
        let accepted = if here == Some(reader.id) {
            Accepted::Here
        } else {
            self.write_log_in_limited(&mut tx, &reader, client, now).await?
        };
        tx.commit().await?;
        Ok(accepted)
    }

    /// The account of a gift's address, made where there is none. Its mail was answered, so a
    /// provisional one is whole from now on.
    async fn reader_for_gift(
        &self,
        tx: &mut Tx,
        gift: &WaitingGift,
        now: Timestamp,
    ) -> Result<Reader, AccountError> {
        let new = Reader {
            id: self.ids.uuid(now)?,
            email: gift.email.clone(),
            email_verified_at: Some(now),
            password_hash: None,
            created_at: now,
            language: Some(gift.language),
            site: None,
        };
        if store::insert(tx, &new).await? {
            numbers::note(tx, &[Fact::count(Figure::SignedUp, "", 1)], now);
            return Ok(new);
        }
        let known = store::find_by_email(tx, &gift.email).await?;
        let known = known.ok_or(AccountError::InvalidLink)?;
        if known.email_verified_at.is_some() {
            store::lock(tx, known.id).await?;
            return Ok(known);
        }
        self.address_proved(tx, (known.id, &known.email), now).await?;
        Ok(Reader { email_verified_at: Some(now), ..known })
    }

    async fn write_log_in_limited(
        &self,
        tx: &mut Tx,
        reader: &Reader,
        client: ClientIp,
        now: Timestamp,
    ) -> Result<Accepted, AccountError> {
        match self.count_mail(tx, &reader.email, client, now).await {
            Ok(()) => {
                self.write_log_in(tx, reader, now)?;
                Ok(Accepted::LinkSent)
            }
            Err(AccountError::TooMany(_)) => Ok(Accepted::WithoutLink),
            Err(error) => Err(error),
        }
    }
}
