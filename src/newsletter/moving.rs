//! Newsletters follow a reader to another address.

use super::{model::Subscription, store};
use crate::{
    clock::Timestamp, db::Tx, ids::Ids, mail::address::Address,
    newsletter::newsletters::NewsletterError,
};

/// Sends to `to` what `from` received, when both mailboxes have agreed to the change. What `to` has
/// left it does not get again. The links in mails to `from` are void: that mailbox may be another's
/// by now.
///
/// # Errors
/// [`NewsletterError::Failed`].
pub async fn follow(
    tx: &mut Tx,
    ids: &Ids,
    (from, to): (&Address, &Address),
    now: Timestamp,
) -> Result<(), NewsletterError> {
    let known = store::list_of(tx, to).await?;
    let all = store::list_of(tx, from).await?;
    store::forget_subscriptions(tx, from).await?;
    store::move_consents(tx, from, to).await?;
    let is_known = |it: &Subscription| known.iter().any(|known| known.list == it.list);
    for moved in all.into_iter().filter(|it| it.is_received() && !is_known(it)) {
        let moved = Subscription { id: ids.uuid(now)?, email: to.clone(), ..moved };
        store::subscribe(tx, &moved).await?;
    }
    Ok(())
}
