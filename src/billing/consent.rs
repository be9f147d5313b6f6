//! What readers agreed to: the words that stood beside the button, with their hash.
//!
//! California wants the proof kept for 3 years, or a year after the end (Bus. & Prof. Code
//! § 17602(a)(6)); nothing here says who the reader was, so it stays when the account is erased.

use aws_lc_rs::digest::{Digest, SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{catalog::model::Terms, subscription::model::Subscription};
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
    language::Language,
};

/// Most that are shown of one reader.
const LISTED_MAX: i64 = 100;

/// The words to which a reader said yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// In which language.
    pub language: Language,
    /// Word for word.
    pub text: String,
}

impl Shown {
    /// The words' SHA-256, in letters that a form can carry.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.hash())
    }

    fn hash(&self) -> Digest {
        digest(&SHA256, self.text.as_bytes())
    }
}

/// What a reader agreed to, and when.
#[derive(Debug, Clone, Serialize, ToSchema, sqlx::FromRow)]
pub struct Consent {
    /// To begin, switch or go on with which subscription.
    pub subscription_id: Uuid,
    /// Which plan of the catalog.
    pub plan_id: String,
    /// Which version of the catalog.
    pub catalog_version: i64,
    /// The language of the words.
    pub language: String,
    /// The words.
    pub shown: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub agreed_at: Timestamp,
}

/// Keeps what the reader of `it` agreed to, which is to pay for it by `terms`, under `id`.
pub fn insert(
    tx: &mut Tx,
    id: Uuid,
    (it, terms): (&Subscription, &Terms),
    shown: &Shown,
    now: Timestamp,
) {
    tx.later(
        "INSERT INTO consents (id, subscription_id, reader_id, plan_id, catalog_version, language,
                               shown, sha256, agreed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(id)
    .bind(it.id)
    .bind(it.reader)
    .bind(terms.plan.id.as_str())
    .bind(terms.catalog.version)
    .bind(shown.language.tag())
    .bind(shown.text.as_str())
    .bind(shown.hash().as_ref().to_vec())
    .bind(now);
}

/// What a reader agreed to, the latest first; at most 100.
///
/// # Errors
/// [`StoreError`].
pub async fn list(tx: &mut Tx, reader: Uuid) -> Result<Vec<Consent>, StoreError> {
    tx.query(
        "SELECT subscription_id, plan_id, catalog_version, language, shown, agreed_at
         FROM consents WHERE reader_id = $1 ORDER BY agreed_at DESC, id LIMIT $2",
    )
    .bind(reader)
    .bind(LISTED_MAX)
    .all()
    .await
}
