//! From an address to an account: asked for on a page, made by the answer to a mail.
//!
//! The answer proves who has the mailbox, never who typed the password at sign-up. That takes the
//! proof, which only the browser or program that signed up was given.

use super::{
    accounts::{AccountError, Accounts, CONFIRM_LIFE, Device, LINK_LIFE, LoggedIn, MailRequest},
    address_by_staff::CancelCause,
    link_store::{self, Link, PendingPassword, Purpose},
    model::Reader,
    store,
};
use crate::{
    auth::{
        limit_store::LimitKey,
        session::secret::{Secret, SecretHash, SecretKind},
    },
    language::Language,
    mail::{clicks, letter::Letter},
    numbers::{
        figure::{Fact, Figure},
        store as numbers,
    },
};

/// The answer to the mail of a sign-up.
#[derive(Debug, Default)]
pub struct Confirmation<'a> {
    /// The token of the link in the mail.
    pub token: &'a str,
    /// What the sign-up was answered with: its password takes effect.
    pub proof: Option<SecretHash>,
    /// A new password, which is used instead of the one given at sign-up.
    pub password: Option<&'a str>,
    /// The language of the page on which the account is made, if any.
    pub language: Option<Language>,
}

impl Accounts {
    /// Writes to `email`: how to make the account, or, where there is one, how to log in. Both do
    /// the same work and answer the same, so nobody learns who has an account. A stranger is
    /// written to as on the page where the address was typed.
    ///
    /// Returns the proof by which the password takes effect once the mail is answered.
    ///
    /// # Errors
    /// [`AccountError`] when the password cannot be taken, or too many mails were asked for.
    pub async fn sign_up(
        &self,
        asked: MailRequest<'_>,
        password: &str,
    ) -> Result<Secret, AccountError> {
        let now = self.clock.now();
        let MailRequest { email, client, .. } = asked;
        self.mail_limits.check(&mut self.db.read().await?, client.0, email, now).await?;
        let mut turn = self.turn(client, LimitKey::mail(email)).await?;
        let hash = self.hash_new(&mut turn, email, password).await?;
        drop(turn);
        let proof = Secret::generate(&self.ids, SecretKind::Proof)?;
        let pending = PendingPassword { hash, proof: Some(proof.hash()) };
        let mut tx = self.db.write().await?;
        self.count_mail(&mut tx, email, client, now).await?;
        let link =
            |purpose, life| Link { purpose, email: email.clone(), expires_at: now.plus(life) };
        let reader = store::find_by_email(&mut tx, email).await?;
        // A provisional account belongs to the person who answers the mail: it becomes theirs, with this password.
        let letter = if reader.as_ref().is_some_and(Reader::is_proved) {
            let link = link(Purpose::LogIn, LINK_LIFE);
            Letter::AccountExists { link: self.make_link(&mut tx, "/login/link", link)? }
        } else {
            let link = link(Purpose::SignUp(pending), CONFIRM_LIFE);
            Letter::ConfirmAddress { link: self.make_link(&mut tx, "/signup/confirm", link)? }
        };
        let to = self.whoever_has(asked, reader.as_ref());
        self.write_to(&mut tx, &to, &letter, now)?;
        tx.commit().await?;
        Ok(proof)
    }

    /// Whether `proof` comes from the sign-up that `token` was mailed for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_proven(&self, token: &str, proof: SecretHash) -> Result<bool, AccountError> {
        let Some(hash) = SecretHash::of(SecretKind::Link, token) else { return Ok(false) };
        let link = link_store::find(&mut self.db.read().await?, hash, self.clock.now()).await?;
        Ok(match link.map(|link| link.purpose) {
            Some(Purpose::SignUp(pending)) => pending.is_proven_by(Some(proof)),
            _ => false,
        })
    }

    /// Makes the account that the token was mailed for, and logs in. The account has the password of
    /// the answer, else that of the sign-up where the proof is its own, else none.
    ///
    /// # Errors
    /// [`AccountError::InvalidLink`]; [`AccountError::Hash`] when the password cannot be taken, and
    /// then the link still works.
    pub async fn verify(
        &self,
        answer: Confirmation<'_>,
        device: Device,
    ) -> Result<LoggedIn, AccountError> {
        let invalid = || AccountError::InvalidLink;
        let hash = SecretHash::of(SecretKind::Link, answer.token).ok_or_else(invalid)?;
        let now = self.clock.now();
        let link = self.find_link(hash, now).await?;
        let Purpose::SignUp(_) = link.purpose else { return Err(invalid()) };
        let chosen = match answer.password {
            Some(password) => {
                let account = LimitKey::login(link.email.key());
                let mut turn = self.turn(device.client, account).await?;
                Some(self.hash_new(&mut turn, &link.email, password).await?)
            }
            None => None,
        };
        let mut tx = self.db.write().await?;
        let link = link_store::find(&mut tx, hash, now).await?.ok_or_else(invalid)?;
        let Purpose::SignUp(pending) = link.purpose else { return Err(invalid()) };
        let is_proven = pending.is_proven_by(answer.proof);
        let password_hash = chosen.or_else(|| is_proven.then_some(pending.hash));
        let reader = Reader {
            id: self.ids.uuid(now)?,
            email: link.email,
            email_verified_at: Some(now),
            password_hash,
            created_at: now,
            language: answer.language,
            site: None,
        };
        // The account first, then the link: of two links for one address one waits here for the
        // other, and neither holds what the other needs. What fails is not committed.
        let reader = if store::insert(&mut tx, &reader).await? {
            numbers::note(&mut tx, &[Fact::count(Figure::SignedUp, "", 1)], now);
            reader
        } else {
            // Who subscribed meanwhile has a provisional account, which is now a whole one.
            if let Some(begun) = store::find_by_email(&mut tx, &reader.email).await? {
                let email = &reader.email;
                self.billing.address_proved(&mut tx, (begun.id, email), now).await?;
            }
            let password_hash = reader.password_hash.as_deref();
            let adopted = store::adopt(&mut tx, &reader.email, password_hash, now).await?;
            adopted.ok_or_else(invalid)?
        };
        link_store::take(&mut tx, hash, now).await?.ok_or_else(invalid)?;
        link_store::delete_for(&mut tx, &reader.email).await?;
        clicks::note(&mut tx, answer.token, now).await?;
        if reader.password_hash.is_some() {
            self.cancel_address_change(&mut tx, reader.id, (CancelCause::NewPassword, now)).await?;
        }
        let logged_in = self.start_session(&mut tx, reader, device, now)?;
        tx.commit().await?;
        Ok(logged_in)
    }
}
