//! From an address to an account: asked for on a page, made by the answer to a mail.

use super::{
    accounts::{AccountError, Accounts, CONFIRM_LIFE, Device, LINK_LIFE, LoggedIn},
    link_store::{self, Link, Purpose},
    model::Reader,
    store,
};
use crate::{
    auth::{
        limit_store::{self, LimitKey},
        session::secret::{SecretHash, SecretKind},
    },
    language::Language,
    language::Words,
    mail::{address::Address, clicks, letter::Letter},
    numbers::{
        figure::{Fact, Figure},
        store as numbers,
    },
};

impl Accounts {
    /// Writes to `email`: how to make the account, or, where there is one, how to log in. Both do
    /// the same work and answer the same, so nobody learns who has an account. A stranger is
    /// written to as on the page where the address was typed.
    ///
    /// # Errors
    /// [`AccountError`] when the password cannot be taken, or too many mails were asked for.
    pub async fn sign_up(
        &self,
        (email, asked_in): (&Address, &Words),
        password: &str,
    ) -> Result<(), AccountError> {
        let now = self.clock.now();
        let key = LimitKey::mail(email.key());
        limit_store::check(&mut self.db.read().await?, key, self.limits.mail, now).await?;
        let mut turn = self.hasher.turn().await?;
        let password_hash = self.hash_new(&mut turn, email, password).await?;
        drop(turn);
        let mut tx = self.db.write().await?;
        self.count_mail(&mut tx, email, now).await?;
        let link =
            |purpose, life| Link { purpose, email: email.clone(), expires_at: now.plus(life) };
        let reader = store::find_by_email(&mut tx, email).await?;
        let letter = if reader.is_some() {
            let link = link(Purpose::LogIn, LINK_LIFE);
            Letter::AccountExists { link: self.make_link(&mut tx, "/login/link", link)? }
        } else {
            let link = link(Purpose::SignUp { password_hash }, CONFIRM_LIFE);
            Letter::ConfirmAddress { link: self.make_link(&mut tx, "/signup/confirm", link)? }
        };
        let to = self.whoever_has((email, asked_in), reader.as_ref());
        self.write_to(&mut tx, &to, &letter, now)?;
        Ok(tx.commit().await?)
    }

    /// Makes the account that `token` was mailed for, and logs in. The account is spoken to in the
    /// `language` of the page it was made on, if any.
    ///
    /// # Errors
    /// [`AccountError::InvalidLink`].
    pub async fn verify(
        &self,
        token: &str,
        device: Device,
        language: Option<Language>,
    ) -> Result<LoggedIn, AccountError> {
        let hash = SecretHash::of(SecretKind::Link, token).ok_or(AccountError::InvalidLink)?;
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let link = link_store::find(&mut tx, hash, now).await?.ok_or(AccountError::InvalidLink)?;
        let Purpose::SignUp { password_hash } = link.purpose else {
            return Err(AccountError::InvalidLink);
        };
        let reader = Reader {
            id: self.ids.uuid(now)?,
            email: link.email,
            email_verified_at: Some(now),
            password_hash: Some(password_hash),
            created_at: now,
            language,
            site: None,
        };
        // The account first, then the link: of two links for one address one waits here for the
        // other, and neither holds what the other needs. What fails is not committed.
        let reader = if store::insert(&mut tx, &reader).await? {
            numbers::note(&mut tx, &[Fact::count(Figure::SignedUp, "", 1)], now);
            reader
        } else {
            // Who subscribed meanwhile has a provisional account, which is now a whole one.
            let hash = reader.password_hash.as_deref().unwrap_or_default();
            let adopted = store::adopt(&mut tx, &reader.email, hash, now).await?;
            adopted.ok_or(AccountError::InvalidLink)?
        };
        link_store::take(&mut tx, hash, now).await?.ok_or(AccountError::InvalidLink)?;
        // Other sign-ups with this address, and the passwords that came with them, are void.
        link_store::delete_for(&mut tx, &reader.email).await?;
        clicks::note(&mut tx, token, now).await?;
        let logged_in = self.start_session(&mut tx, reader, device, now)?;
        tx.commit().await?;
        Ok(logged_in)
    }
}
