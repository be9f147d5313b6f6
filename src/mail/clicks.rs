//! Which mails were acted on: a link in one was used. That a link was opened says nothing, as
//! programs that look into mails open all of them; what is sent from the page behind it does.
//!
//! A link is known by the hash of its token, and forgotten with its mail.

use uuid::Uuid;

use crate::{
    auth::session::secret::SecretHash,
    clock::Timestamp,
    db::{StoreError, Tx},
};

/// Keeps by their tokens which links the mail `id` has. One that an earlier mail has, too, says
/// nothing about which of them was acted on, and stays with that one.
pub(super) fn keep(tx: &mut Tx, id: Uuid, tokens: &[String]) {
    if tokens.is_empty() {
        return;
    }
    let head = "INSERT INTO mail_links (mail_id, hash) VALUES";
    let later = tx.later_rows(head, (tokens.len(), 2), "ON CONFLICT DO NOTHING");
    tokens
        .iter()
        .fold(later, |later, token| later.bind(id).bind(SecretHash::of_text(token).to_bytes()));
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
