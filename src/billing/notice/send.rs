//! Sends what is due: each notice once, with a record of it, in one transaction.

use super::{
    NoticeKind,
    duty::Duties,
    store::{self, Notice, Owner, Sent},
};
use crate::{
    billing::letter::BillingLetter,
    clock::Timestamp,
    db::Tx,
    mail::{MailError, MailRoom, recipient::Recipient},
};

/// Puts the letter of a notice that is due into the outbox, unless somebody else did already; says
/// whether it did.
///
/// # Errors
/// [`MailError`].
pub async fn send(
    tx: &mut Tx,
    (room, to): (&MailRoom, &Recipient),
    notice: &Notice,
    letter: &BillingLetter,
    now: Timestamp,
) -> Result<bool, MailError> {
    if !store::mark_sent(tx, notice, letter.news.template(&to.words), now).await? {
        return Ok(false);
    }
    // Once its moment has come, it is no news any more.
    let content = letter.content(&to.words);
    let keeps_for = content.keeps_for.min(notice.about.since(now));
    let mail = room.enqueue(tx, to, content.within(keeps_for), now)?;
    store::set_mail(tx, notice, mail).await?;
    Ok(true)
}

/// A letter that the law wants sent with the change that it tells of.
#[derive(Debug)]
pub struct AtOnceLetter<'a> {
    /// Whose.
    pub owner: Owner,
    /// What it is for the law.
    pub kind: NoticeKind,
    /// Where the reader is, if known.
    pub country: Option<&'a str>,
    /// What it says.
    pub letter: &'a BillingLetter,
}

/// Puts such a letter into the outbox, and keeps a record of it.
///
/// # Errors
/// [`MailError`].
pub fn send_at_once(
    tx: &mut Tx,
    (room, to): (&MailRoom, &Recipient),
    what: &AtOnceLetter<'_>,
    duties: &Duties,
    now: Timestamp,
) -> Result<(), MailError> {
    let mail = room.enqueue(tx, to, what.letter.content(&to.words), now)?;
    let jurisdiction = duties.at_once_by(what.kind, what.country);
    let sent = Sent { at: now, template: what.letter.news.template(&to.words), mail };
    store::note_at_once(tx, what.owner, (what.kind, &jurisdiction), &sent);
    Ok(())
}
