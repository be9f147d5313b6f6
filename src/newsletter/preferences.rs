//! Leaving a list, and changing what is received: by a link that was mailed, or in an account.

use super::{
    link::Purpose,
    model::{self, Consent, Subscription, masked},
    newsletters::{Asking, NewsletterError, Newsletters},
    store,
};
use crate::{
    billing::catalog::{model::Sites, newsletters::Newsletter},
    clock::Timestamp,
    db::Tx,
    language::Words,
    mail::{address::Address, clicks},
};

/// What one address receives, for whoever has a link that was mailed to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    /// The address, as far as it is shown.
    pub masked: String,
    /// The lists.
    pub lists: Vec<String>,
}

/// What a change came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Everything is as it was wished.
    Done,
    /// What was left is not sent any more; what is new waits for the answer to a mail.
    Asked,
}

/// A subscription by its link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The list.
    pub list: String,
    /// Whether it is sent.
    pub received: bool,
    /// The token of the page where all lists of the address can be changed.
    pub preferences: String,
}

impl Newsletters {
    /// The subscription that this link leaves, left as it is; none where it is long forgotten.
    ///
    /// # Errors
    /// [`NewsletterError::InvalidLink`].
    pub async fn linked(&self, token: &str) -> Result<Option<Linked>, NewsletterError> {
        let id = self.links.open(Purpose::Unsubscribe, token);
        let id = id.ok_or(NewsletterError::InvalidLink)?;
        let found = store::find(&mut self.db.read().await?, id).await?;
        Ok(found.map(|it| Linked {
            received: it.is_received(),
            preferences: self.links.token(Purpose::Preferences, it.id),
            list: it.list,
        }))
    }

    /// The site that a link belongs to, by its newsletter and its reader; `here` is where the browser
    /// is. `None` where neither says so, as for a link that is over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn site_of(
        &self,
        (purpose, token): (Purpose, &str),
        here: Option<&str>,
    ) -> Result<Option<String>, NewsletterError> {
        let Some(id) = self.links.open(purpose, token) else { return Ok(None) };
        let mut tx = self.db.read().await?;
        let Some(linked) = store::find(&mut tx, id).await? else { return Ok(None) };
        let account = store::account_of(&mut tx, &linked.email).await?;
        let readers = account.and_then(|account| account.site);
        let catalog = self.catalogs.current();
        let newsletter = catalog.newsletter(&linked.list);
        let sites = newsletter.map_or(&Sites::All, |newsletter| &newsletter.sites);
        Ok(model::home(sites, readers.as_deref(), here).map(str::to_owned))
    }

    /// Leaves the list that this link is for, whether or not it was left before.
    ///
    /// # Errors
    /// [`NewsletterError::InvalidLink`].
    pub async fn unsubscribe(&self, token: &str) -> Result<(), NewsletterError> {
        let id = self.links.open(Purpose::Unsubscribe, token);
        let id = id.ok_or(NewsletterError::InvalidLink)?;
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        store::unsubscribe(&mut tx, id, now).await?;
        clicks::note(&mut tx, token, now).await?;
        Ok(tx.commit().await?)
    }

    /// What the address receives to which this link was mailed.
    ///
    /// # Errors
    /// [`NewsletterError::InvalidLink`].
    pub async fn preferences(&self, token: &str) -> Result<Preferences, NewsletterError> {
        let mut tx = self.db.read().await?;
        let email = self.holder(&mut tx, token).await?;
        let all = store::list_of(&mut tx, &email).await?;
        let received = all.into_iter().filter(Subscription::is_received);
        Ok(Preferences { masked: masked(&email), lists: received.map(|it| it.list).collect() })
    }

    /// Leaves what is not among `wanted` at once. A mail asks about what is new: newsletters are
    /// passed on with the links in them, and only the mailbox may agree.
    ///
    /// # Errors
    /// [`NewsletterError`]; when too many mails were asked for, what was to be left is left.
    pub async fn change(
        &self,
        token: &str,
        wanted: &[String],
        asking: Asking<'_>,
    ) -> Result<Change, NewsletterError> {
        self.check(wanted)?;
        let mut tx = self.db.write().await?;
        let now = self.clock.now();
        let email = self.holder(&mut tx, token).await?;
        let new = self.leave_others(&mut tx, &email, wanted, now).await?;
        clicks::note(&mut tx, token, now).await?;
        tx.commit().await?;
        if new.is_empty() {
            return Ok(Change::Done);
        }
        self.ask(&email, &new, asking).await?;
        Ok(Change::Asked)
    }

    /// What a reader receives: each newsletter that there is, in the catalog's order, with the
    /// time since when.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn received_by(
        &self,
        email: &Address,
    ) -> Result<Vec<(Newsletter, Timestamp)>, NewsletterError> {
        let all = store::list_of(&mut self.db.read().await?, email).await?;
        let catalog = self.catalogs.current();
        let since = |newsletter: &Newsletter| {
            let mut received = all.iter().filter(|it| it.is_received());
            received.find(|it| it.list == newsletter.id).map(|it| it.confirmed_at)
        };
        let both = |it: &Newsletter| Some((it.clone(), since(it)?));
        Ok(catalog.newsletters.iter().filter_map(both).collect())
    }

    /// Sends `wanted` from now on and nothing else: for somebody who is logged in, and whose
    /// mailbox has answered for the account.
    ///
    /// # Errors
    /// [`NewsletterError::Choice`].
    pub async fn set(
        &self,
        email: &Address,
        wanted: &[String],
        words: &Words,
    ) -> Result<(), NewsletterError> {
        self.check(wanted)?;
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let new = self.leave_others(&mut tx, email, wanted, now).await?;
        if !new.is_empty() {
            let catalog = self.catalogs.current();
            let chosen = model::choose(&catalog, &new)?;
            let id = self.ids.uuid(now)?;
            let consent = Consent::asked(id, email.clone(), &chosen, words, now);
            let consent = consent.given_in_account();
            store::insert_consent(&mut tx, &consent).await?;
            self.subscribe(&mut tx, &consent, now).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Nothing at all is a choice too, here.
    fn check(&self, wanted: &[String]) -> Result<(), NewsletterError> {
        if !wanted.is_empty() {
            model::choose(&self.catalogs.current(), wanted)?;
        }
        Ok(())
    }

    /// The address that this link was mailed to.
    async fn holder(&self, tx: &mut Tx, token: &str) -> Result<Address, NewsletterError> {
        let id = self.links.open(Purpose::Preferences, token);
        let id = id.ok_or(NewsletterError::InvalidLink)?;
        Ok(store::find(tx, id).await?.ok_or(NewsletterError::InvalidLink)?.email)
    }

    /// Leaves what is not wanted, and says what is wanted and not received yet. A list that is
    /// gone from the catalog is on no page, and so is left only with all the others.
    async fn leave_others(
        &self,
        tx: &mut Tx,
        email: &Address,
        wanted: &[String],
        now: Timestamp,
    ) -> Result<Vec<String>, NewsletterError> {
        let catalog = self.catalogs.current();
        let all = store::list_of(tx, email).await?;
        let received: Vec<&Subscription> = all.iter().filter(|it| it.is_received()).collect();
        let is_shown = |it: &&&Subscription| catalog.newsletter(&it.list).is_some();
        let others = received.iter().filter(|it| !wanted.contains(&it.list));
        for left in others.filter(|it| wanted.is_empty() || is_shown(it)) {
            store::unsubscribe(tx, left.id, now).await?;
        }
        let is_new = |id: &&String| !received.iter().any(|it| it.list == **id);
        Ok(wanted.iter().filter(is_new).cloned().collect())
    }
}
