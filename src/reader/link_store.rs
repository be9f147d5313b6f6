//! Links that were mailed, by the hash of their token. Each works once.

use crate::{
    auth::session::secret::SecretHash,
    clock::Timestamp,
    db::{StoreError, Tx},
    mail::address::Address,
};

/// The password of a sign-up. Anyone can type an address, so it becomes the account's only with the
/// proof that the same sign-up was answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingPassword {
    /// Its hash.
    pub hash: String,
    /// Of the proof. Sign-ups from before proofs existed have none, and their passwords stay void.
    pub proof: Option<SecretHash>,
}

impl PendingPassword {
    /// Whether `proof` comes from the same sign-up.
    #[must_use]
    pub fn is_proven_by(&self, proof: Option<SecretHash>) -> bool {
        self.proof.is_some() && self.proof == proof
    }
}

/// What a link does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Makes an account.
    SignUp(PendingPassword),
    /// Logs in.
    LogIn,
    /// Lets set a password.
    PasswordReset,
}

impl Purpose {
    fn as_str(&self) -> &'static str {
        match self {
            Self::SignUp(_) => "sign_up",
            Self::LogIn => "log_in",
            Self::PasswordReset => "password_reset",
        }
    }
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What it does.
    pub purpose: Purpose,
    /// To whom it was sent.
    pub email: Address,
    /// From when it does nothing.
    pub expires_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct LinkRow {
    purpose: String,
    email: String,
    password_hash: Option<String>,
    proof_hash: Option<Vec<u8>>,
    expires_at: Timestamp,
}

impl TryFrom<LinkRow> for Link {
    type Error = StoreError;

    fn try_from(row: LinkRow) -> Result<Self, StoreError> {
        let corrupt = |column| {
            let id = format!("a link that ends at {}", row.expires_at);
            StoreError::Corrupt { table: "mailed_links", column, id }
        };
        let purpose = match (row.purpose.as_str(), row.password_hash) {
            ("sign_up", Some(hash)) => {
                let proof = row.proof_hash.as_deref().map(SecretHash::from_bytes);
                let proof = proof.map(|proof| proof.ok_or_else(|| corrupt("proof_hash")));
                Purpose::SignUp(PendingPassword { hash, proof: proof.transpose()? })
            }
            ("log_in", None) => Purpose::LogIn,
            ("password_reset", None) => Purpose::PasswordReset,
            _ => return Err(corrupt("purpose")),
        };
        let email = Address::from_stored(&row.email).map_err(|_| corrupt("email"))?;
        Ok(Self { purpose, email, expires_at: row.expires_at })
    }
}

/// Keeps a link under the hash of its token.
pub fn insert(tx: &mut Tx, hash: SecretHash, link: Link) {
    let purpose = link.purpose.as_str();
    let (password_hash, proof) = match link.purpose {
        Purpose::SignUp(pending) => (Some(pending.hash), pending.proof),
        Purpose::LogIn | Purpose::PasswordReset => (None, None),
    };
    tx.later(
        "INSERT INTO mailed_links (hash, purpose, email, email_key, password_hash, proof_hash,
                                   expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(hash.to_bytes())
    .bind(purpose)
    .bind(link.email.typed())
    .bind(link.email.key())
    .bind(password_hash)
    .bind(proof.map(SecretHash::to_bytes))
    .bind(link.expires_at);
}

/// The link, left as it is.
///
/// # Errors
/// [`StoreError`].
pub async fn find(
    tx: &mut Tx,
    hash: SecretHash,
    now: Timestamp,
) -> Result<Option<Link>, StoreError> {
    tx.query(
        "SELECT purpose, email, password_hash, proof_hash, expires_at FROM mailed_links
         WHERE hash = $1 AND expires_at > $2",
    )
    .bind(hash.to_bytes())
    .bind(now)
    .optional::<LinkRow>()
    .await?
    .map(Link::try_from)
    .transpose()
}

/// Uses the link up: of any number who take it at once, one gets it.
///
/// # Errors
/// [`StoreError`].
pub async fn take(
    tx: &mut Tx,
    hash: SecretHash,
    now: Timestamp,
) -> Result<Option<Link>, StoreError> {
    tx.query(
        "DELETE FROM mailed_links WHERE hash = $1 AND expires_at > $2
         RETURNING purpose, email, password_hash, proof_hash, expires_at",
    )
    .bind(hash.to_bytes())
    .bind(now)
    .optional::<LinkRow>()
    .await?
    .map(Link::try_from)
    .transpose()
}

/// Ends every link that was sent to this address, and the passwords that wait with them. Whichever of
/// them is used proves the mailbox, and the others must not speak for it any more.
///
/// # Errors
/// [`StoreError`].
pub async fn delete_for(tx: &mut Tx, email: &Address) -> Result<(), StoreError> {
    tx.query("DELETE FROM mailed_links WHERE email_key = $1").bind(email.key()).execute().await?;
    Ok(())
}

/// Forgets up to `most` links that are over.
///
/// # Errors
/// [`StoreError`].
pub async fn purge(tx: &mut Tx, now: Timestamp, most: i64) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM mailed_links WHERE hash IN (
             SELECT hash FROM mailed_links WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
    )
    .bind(now)
    .bind(most)
    .execute()
    .await
}
