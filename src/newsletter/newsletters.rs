//! Signing up: asked for on a page, agreed to by the answer to a mail.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    letter,
    link::{LinkKey, Purpose},
    model::{self, Consent, InvalidChoice, Subscription},
    store,
};
use crate::{
    auth::{limit_store::LimitError, limits::RetryAfter, mail_limits::MailLimits},
    billing::catalog::{newsletters::Newsletter, versions::Catalogs},
    clock::{Clock, Timestamp},
    db::{Db, StoreError, Tx},
    http::{client_ip::ClientIp, problem::ApiError},
    ids::{Ids, NoRandomness},
    language::Words,
    mail::{MailError, MailRoom, address::Address, clicks, letter::Look, recipient::Recipient},
    site::directory::LiveSite,
};

/// Does what can be asked for about newsletters.
pub struct Newsletters {
    /// Consents and subscriptions.
    pub db: Db,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Ids,
    /// Asks mailboxes whether they agree.
    pub mail: MailRoom,
    /// Which newsletters there are.
    pub catalogs: Catalogs,
    /// How many mails may be asked for.
    pub limits: Arc<MailLimits>,
    /// Makes links and checks them.
    pub links: LinkKey,
    /// Where the links lead.
    pub public_url: Arc<str>,
}

impl std::fmt::Debug for Newsletters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Newsletters").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Why something about newsletters was refused.
#[derive(Debug, thiserror::Error)]
pub enum NewsletterError {
    /// Nothing was chosen, or what there is not.
    #[error(transparent)]
    Choice(#[from] InvalidChoice),
    /// The link is over, or was never made by us.
    #[error("this link is over, or is not whole")]
    InvalidLink,
    /// Too many mails were asked for.
    #[error("there were too many mails to this address; wait a while")]
    TooMany(RetryAfter),
    /// Something failed on our side.
    #[error("{0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<StoreError> for NewsletterError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<NoRandomness> for NewsletterError {
    fn from(error: NoRandomness) -> Self {
        Self::Failed(error.into())
    }
}

impl From<MailError> for NewsletterError {
    fn from(error: MailError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<LimitError> for NewsletterError {
    fn from(error: LimitError) -> Self {
        match error {
            LimitError::Exceeded(wait) => Self::TooMany(wait),
            LimitError::Store(error) => error.into(),
        }
    }
}

impl From<NewsletterError> for ApiError {
    fn from(error: NewsletterError) -> Self {
        match error {
            NewsletterError::Choice(_) => Self::NotFound,
            NewsletterError::InvalidLink => {
                Self::Unauthorized("invalid_link", "this link is over, or is not whole")
            }
            NewsletterError::TooMany(wait) => wait.into(),
            NewsletterError::Failed(error) => Self::internal(error),
        }
    }
}

/// Where newsletters are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The language and calendar of the page.
    pub words: &'a Words,
    /// The site whose page it is, if any.
    pub site: Option<&'a LiveSite>,
    /// From where.
    pub client: ClientIp,
}

/// What the answer to a mail did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    /// Whether it had been answered before; nothing was done then.
    pub before: bool,
    /// Which lists it was about.
    pub lists: Vec<String>,
    /// The token of the page where they can be changed, while the address receives anything.
    pub preferences: Option<String>,
}

impl Newsletters {
    /// Writes to `email`: shall the newsletters with these ids be sent there? In the name and the
    /// colours of `site`, where it is asked on one. Whoever receives them already is written to as
    /// well, so that nobody learns who does.
    ///
    /// # Errors
    /// [`NewsletterError`] when nothing is chosen, or too many mails were asked for.
    pub async fn ask(
        &self,
        email: &Address,
        ids: &[String],
        Asking { words, site, client }: Asking<'_>,
    ) -> Result<(), NewsletterError> {
        let catalog = self.catalogs.current();
        let chosen = model::choose(&catalog, ids)?;
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        self.limits.take(&mut tx, client.0, email, now).await?;
        let consent = Consent::asked(self.ids.uuid(now)?, email.clone(), &chosen, words, now);
        store::insert_consent(&mut tx, &consent).await?;
        let mut link = self.link(Purpose::Confirm, consent.id);
        if let Some(site) = site {
            // The page behind it looks like the one where it was asked, in any browser.
            link.push_str("&site=");
            link.push_str(&site.site.id);
        }
        let letter = letter::confirm(&chosen, link, words);
        let look = site.map(|site| Look::of_site(site, &self.public_url));
        let to = Recipient { look, ..Recipient::new(email, words.clone()) };
        self.mail.enqueue(&mut tx, &to, letter, now)?;
        Ok(tx.commit().await?)
    }

    /// What was asked for by the mail with this link, left as it is.
    ///
    /// # Errors
    /// [`NewsletterError::InvalidLink`].
    pub async fn asked(&self, token: &str) -> Result<Vec<String>, NewsletterError> {
        let id = self.links.open(Purpose::Confirm, token).ok_or(NewsletterError::InvalidLink)?;
        let consent = store::find_consent(&mut self.db.read().await?, id).await?;
        let now = self.clock.now();
        let holds = |consent: &Consent| consent.confirmed_at.is_some() || consent.expires_at > now;
        Ok(consent.filter(holds).ok_or(NewsletterError::InvalidLink)?.lists)
    }

    /// Sends from now on what was asked for. A second answer changes nothing: whoever has left
    /// since stays away.
    ///
    /// # Errors
    /// [`NewsletterError::InvalidLink`].
    pub async fn confirm(&self, token: &str) -> Result<Confirmed, NewsletterError> {
        let id = self.links.open(Purpose::Confirm, token).ok_or(NewsletterError::InvalidLink)?;
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let (consent, before) = match store::confirm_consent(&mut tx, id, now).await? {
            Some(consent) => {
                self.subscribe(&mut tx, &consent, now).await?;
                (consent, false)
            }
            None => {
                let known = store::find_consent(&mut tx, id).await?;
                let given = known.filter(|consent| consent.confirmed_at.is_some());
                (given.ok_or(NewsletterError::InvalidLink)?, true)
            }
        };
        clicks::note(&mut tx, token, now).await?;
        let all = store::list_of(&mut tx, &consent.email).await?;
        tx.commit().await?;
        let any = all.iter().find(|subscription| subscription.is_received());
        let preferences = any.map(|it| self.links.token(Purpose::Preferences, it.id));
        Ok(Confirmed { before, lists: consent.lists, preferences })
    }

    /// Sends what `consent` names, as far as there is such a newsletter by now.
    pub(super) async fn subscribe(
        &self,
        tx: &mut Tx,
        consent: &Consent,
        now: Timestamp,
    ) -> Result<(), NewsletterError> {
        let catalog = self.catalogs.current();
        let known = |list: &&String| catalog.newsletter(list).is_some();
        // In one order, so that two who confirm at once do not wait for each other in a ring.
        let mut lists: Vec<&String> = consent.lists.iter().filter(known).collect();
        lists.sort_unstable();
        for list in lists {
            let subscription = Subscription {
                id: self.ids.uuid(now)?,
                email: consent.email.clone(),
                list: list.clone(),
                language: consent.language,
                consent_id: consent.id,
                confirmed_at: now,
                unsubscribed_at: None,
            };
            store::subscribe(tx, &subscription).await?;
        }
        Ok(())
    }

    /// The newsletters of `ids` that there are still, in the catalog's order, by their names.
    #[must_use]
    pub fn names(&self, ids: &[String], words: &Words) -> Vec<String> {
        let catalog = self.catalogs.current();
        let chosen = catalog.newsletters.iter().filter(|it| ids.contains(&it.id));
        let name = |it: &Newsletter| it.name.in_language(words.language).to_owned();
        chosen.map(name).collect()
    }

    /// The address of a page that `purpose` opens to whoever has the link. It comes from the
    /// settings, never from a request.
    #[must_use]
    pub fn link(&self, purpose: Purpose, id: Uuid) -> String {
        let token = self.links.token(purpose, id);
        format!("{}{}?token={token}", self.public_url, purpose.path())
    }
}
