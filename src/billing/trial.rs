//! One free trial for each person and product.
//!
//! A person is known by the account, by the address, in its common spelling, and by the card where
//! the gateway tells cards apart. An address counts from when a mail to it was answered: until then
//! the browser stands for it, so that the trial of another person's address is not used up. Only
//! keyed hashes are kept, and they stay when the account is erased: otherwise leaving and coming
//! back would be a trial without end.

use aws_lc_rs::hmac;
use uuid::Uuid;

use crate::{
    auth::{seal::MasterKey, session::secret::SecretHash},
    clock::Timestamp,
    db::{StoreError, Tx},
    mail::address::Address,
};

/// Most products of which one reader's trials are looked at.
const PRODUCTS_MAX: i64 = 100;

/// Makes the hashes by which trials are remembered.
#[derive(Debug, Clone)]
pub struct TrialKey(hmac::Key);

/// What of a person is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim([u8; 32]);

impl TrialKey {
    /// The key that belongs to `master`.
    #[must_use]
    pub fn of(master: &MasterKey) -> Self {
        Self(master.derive("trial claims"))
    }

    /// An address, whatever its spelling.
    #[must_use]
    pub fn address(&self, address: &Address) -> Claim {
        self.claim("address", &address.mailbox())
    }

    /// An account, also when its address changes.
    #[must_use]
    pub fn reader(&self, id: Uuid) -> Claim {
        self.claim("reader", &id.to_string())
    }

    /// The browser in which an account was begun.
    #[must_use]
    pub fn browser(&self, browser: SecretHash) -> Claim {
        self.claim("browser", &browser.derived_id("trial").to_string())
    }

    /// A card, by the gateway's fingerprint of it.
    #[must_use]
    pub fn card(&self, fingerprint: &str) -> Claim {
        self.claim("card", fingerprint)
    }

    fn claim(&self, what: &str, text: &str) -> Claim {
        let tag = hmac::sign(&self.0, format!("{what}\n{text}").as_bytes());
        let mut hash = [0; 32];
        hash.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        Claim(hash)
    }
}

/// Remembers that a person had the trial of `product`. Says whether that is new; where it is not,
/// the transaction is to be rolled back.
///
/// # Errors
/// [`StoreError`].
pub async fn claim(
    tx: &mut Tx,
    (product, subscription): (&str, Uuid),
    claims: &[Claim],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let head = "INSERT INTO trial_claims (product, claim_hash, subscription_id, claimed_at) VALUES";
    let query = tx.query_rows(head, (claims.len(), 4), "ON CONFLICT DO NOTHING");
    let query = claims.iter().fold(query, |query, Claim(hash)| {
        query.bind(product).bind(hash.to_vec()).bind(subscription).bind(now)
    });
    Ok(usize::try_from(query.execute().await?).is_ok_and(|added| added == claims.len()))
}

/// Whether one of `claims` stands for `product` already, but for those of the subscription
/// `besides`. Only [`claim`] settles who comes first.
///
/// # Errors
/// [`StoreError`].
pub async fn is_claimed(
    tx: &mut Tx,
    (product, besides): (&str, Uuid),
    claims: &[Claim; 3],
) -> Result<bool, StoreError> {
    let [one, two, three] = claims;
    let row = tx
        .query(
            "SELECT subscription_id FROM trial_claims
             WHERE product = $1 AND claim_hash IN ($2, $3, $4) AND subscription_id <> $5 LIMIT 1",
        )
        .bind(product)
        .bind(one.0.to_vec())
        .bind(two.0.to_vec())
        .bind(three.0.to_vec())
        .bind(besides)
        .optional::<(Uuid,)>()
        .await?;
    Ok(row.is_some())
}

/// The trials that stand under one claim, whatever the product: product and subscription.
///
/// # Errors
/// [`StoreError`].
pub async fn list_of(
    tx: &mut Tx,
    reader: Uuid,
    Claim(hash): Claim,
) -> Result<Vec<(String, Uuid)>, StoreError> {
    tx.query(
        "SELECT c.product, c.subscription_id FROM trial_claims c
         JOIN subscriptions s ON s.id = c.subscription_id
         WHERE s.reader_id = $1 AND c.claim_hash = $2 ORDER BY c.product LIMIT $3",
    )
    .bind(reader)
    .bind(hash.to_vec())
    .bind(PRODUCTS_MAX)
    .all()
    .await
}

/// Forgets one claim of a trial; the others stand.
///
/// # Errors
/// [`StoreError`].
pub async fn release_claim(
    tx: &mut Tx,
    (product, subscription): (&str, Uuid),
    Claim(hash): Claim,
) -> Result<(), StoreError> {
    tx.query(
        "DELETE FROM trial_claims
         WHERE product = $1 AND claim_hash = $2 AND subscription_id = $3",
    )
    .bind(product)
    .bind(hash.to_vec())
    .bind(subscription)
    .execute()
    .await?;
    Ok(())
}

/// Forgets a trial that never began.
///
/// # Errors
/// [`StoreError`].
pub async fn release(tx: &mut Tx, subscription: Uuid) -> Result<(), StoreError> {
    tx.query("DELETE FROM trial_claims WHERE subscription_id = $1")
        .bind(subscription)
        .execute()
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_is_one_person() {
        let key = TrialKey(hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]));
        let claim = |text| key.address(&Address::parse(text).unwrap());
        assert_eq!(claim("An.Na+x@gmail.com"), claim("anna@googlemail.com"));
        assert_ne!(claim("an.na@example.org"), claim("anna@example.org"));
    }
}
