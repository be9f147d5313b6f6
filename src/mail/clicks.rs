//! Which mails were acted on: a link in one was used. That a link was opened says nothing, as
//! programs that look into mails open all of them; what is sent from the page behind it does.
//!
//! A link is known by the hash of its token, and forgotten with its mail.

use uuid::Uuid;

use crate::{
    auth::session::secret::SecretHash,
    clock::Timestamp,
    db::{Query, StoreError, Tx},
};

/// Links kept by one statement. No letter of ours has more; the last of fewer stands in for what is
/// missing.
const AT_ONCE: usize = 4;

/// Keeps by their tokens which links the mail `id` has. One that an earlier mail has, too, says
/// nothing about which of them was acted on, and stays with that one.
pub(super) async fn keep(tx: &mut Tx, id: Uuid, tokens: &[String]) -> Result<(), StoreError> {
    for some in tokens.chunks(AT_ONCE) {
        let last = some.last().into_iter().cycle();
        let query = tx
            .query(
                "INSERT INTO mail_links (hash, mail_id)
                 VALUES ($2, $1), ($3, $1), ($4, $1), ($5, $1) ON CONFLICT DO NOTHING",
            )
            .bind(id);
        let hashes = some.iter().chain(last).take(AT_ONCE).map(|token| SecretHash::of_text(token));
        hashes.map(SecretHash::to_bytes).fold(query, Query::bind).execute().await?;
    }
    Ok(())
}

/// Notes that what the link with `token` leads to was done, for the first time that it was. Tokens
/// of no mail do nothing.
///
/// # Errors
/// [`StoreError`].
pub async fn note(tx: &mut Tx, token: &str, now: Timestamp) -> Result<(), StoreError> {
    tx.query(
        "UPDATE mail_outbox SET clicked_at = $1
         WHERE clicked_at IS NULL AND id = (SELECT mail_id FROM mail_links WHERE hash = $2)",
    )
    .bind(now)
    .bind(SecretHash::of_text(token).to_bytes())
    .execute()
    .await?;
    Ok(())
}
