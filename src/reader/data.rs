//! The reader's own data: all of it, and the end of it.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    accounts::{AccountError, Accounts, FRESH_FOR},
    address_store, link_store, note_store, store,
};
use crate::{
    access::{
        decision::Reason,
        log::{past::Logged, store as decisions},
    },
    audit::{model::Entry, store as audit},
    auth::{
        access_token::{Caller, Realm},
        session::{
            model::{EndReason, Session},
            store as sessions,
        },
    },
    billing::{
        cancellation_notice::ExportedNotice,
        export::BillingExport,
        notice::{record as notices, store::Notice},
        waiting_gift,
    },
    clock::Timestamp,
    language::Language,
    mail::{
        letter::Letter,
        outbox::{self, ListedMail},
    },
    metering::{
        records,
        store::Key,
        tally::{Fingerprint, Tally},
    },
    newsletter::{data::ExportedNewsletters, store as newsletters},
};

/// Everything that is held about one reader.
#[derive(Debug, Serialize, ToSchema)]
pub struct Export {
    /// When this was put together.
    #[schema(value_type = String, format = DateTime)]
    pub exported_at: Timestamp,
    /// The account.
    pub reader: ExportedReader,
    /// Devices that logged in, also those that have logged out since.
    pub sessions: Vec<ExportedSession>,
    /// A change of address that waits for both mailboxes to agree.
    pub address_change: Option<ExportedChange>,
    /// Mails of the last days.
    pub mails: Vec<ExportedMail>,
    /// Newsletters, and what was agreed to.
    pub newsletters: ExportedNewsletters,
    /// Subscriptions and all about them.
    #[serde(flatten)]
    pub billing: BillingExport,
    /// What the reader had to be told about subscriptions, and when that was done.
    pub notices: Vec<Notice>,
    /// Notices of cancellation that were received and have not taken effect yet.
    pub cancellation_notices: Vec<ExportedNotice>,
    /// How many articles were read free, by meter. Which ones is kept only as fingerprints.
    pub meters: Vec<ExportedMeter>,
    /// Articles counted and refused in the last weeks, the latest first.
    pub decisions: Vec<ExportedDecision>,
    /// What staff wrote down about the reader.
    pub notes: Vec<ExportedNote>,
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedReader {
    id: Uuid,
    email: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    email_verified_at: Option<Timestamp>,
    language: Option<Language>,
    /// Whether a password is set. Its hash is nobody's business.
    has_password: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The day of the last article read while logged in.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_read_at: Option<Timestamp>,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedSession {
    id: Uuid,
    device: String,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last_used_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    end_reason: Option<&'static str>,
}

/// A change of address.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedChange {
    new_email: String,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// A mail.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedMail {
    subject: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When a link in it was used for the first time.
    #[schema(value_type = Option<String>, format = DateTime)]
    clicked_at: Option<Timestamp>,
}

/// A meter.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedMeter {
    /// The site or the pool of sites.
    meter: String,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    articles: usize,
    /// The articles' fingerprints: SHA-256 of site and id, cut to 128 bits, in hexadecimal.
    fingerprints: Vec<String>,
}

/// An article that was counted, or refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedDecision {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    site: String,
    /// The article's fingerprint, as in `meters`.
    article: String,
    reason: Reason,
}

/// A note of staff.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedNote {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    text: String,
}

impl From<Logged> for ExportedDecision {
    fn from(logged: Logged) -> Self {
        let article = hex(&logged.article);
        Self { at: logged.at, site: logged.site, article, reason: logged.reason }
    }
}

fn hex(fingerprint: &Fingerprint) -> String {
    format!("{:032x}", u128::from_be_bytes(fingerprint.0))
}

impl From<ListedMail> for ExportedMail {
    fn from(ListedMail { subject, created_at, clicked_at, .. }: ListedMail) -> Self {
        Self { subject, created_at, clicked_at }
    }
}

impl From<Session> for ExportedSession {
    fn from(session: Session) -> Self {
        let (ended_at, end_reason) = session.ended.unzip();
        Self {
            id: session.id,
            device: session.device,
            started_at: session.started_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
            ended_at,
            end_reason: end_reason.map(EndReason::as_str),
        }
    }
}

impl From<(Key, Tally)> for ExportedMeter {
    fn from((key, tally): (Key, Tally)) -> Self {
        Self {
            meter: key.pool.to_string(),
            started_at: tally.started_at,
            articles: tally.articles.len(),
            fingerprints: tally.articles.iter().map(hex).collect(),
        }
    }
}

impl Accounts {
    /// Everything that is held about the reader `id`.
    ///
    /// # Errors
    /// [`AccountError::Gone`]; when a database fails.
    pub async fn export(&self, id: Uuid) -> Result<Export, AccountError> {
        let mut tx = self.db.read().await?;
        let reader = store::find(&mut tx, id).await?.ok_or(AccountError::Gone)?;
        let last_read_at = store::last_read_at(&mut tx, id).await?;
        let change = address_store::find(&mut tx, id).await?;
        let sessions = sessions::list_all(&mut tx, Realm::Reader, id).await?;
        let mails = outbox::list_to(&mut tx, &reader.email).await?;
        let billing = self.billing.export(&mut tx, id).await?;
        let notices = notices::of_reader(&mut tx, id).await?;
        let cancellation_notices = self.billing.waiting_notices(&mut tx, id).await?;
        // What others agreed to with an address is not for somebody who has only typed it.
        let newsletters = match reader.email_verified_at {
            Some(_) => ExportedNewsletters::of(&mut tx, &reader.email).await?,
            None => ExportedNewsletters::default(),
        };
        let decisions =
            decisions::of_reader(&mut tx, id, Uuid::max(), decisions::LISTED_MAX).await?;
        let notes = note_store::list(&mut tx, id).await?;
        drop(tx);
        let pools = self.directory.snapshot().pools();
        let meters = records::of(&mut self.meter_db.read().await?, &pools, id).await?;
        Ok(Export {
            exported_at: self.clock.now(),
            reader: ExportedReader {
                id,
                email: reader.email.typed().to_owned(),
                email_verified_at: reader.email_verified_at,
                language: reader.language,
                has_password: reader.password_hash.is_some(),
                created_at: reader.created_at,
                last_read_at,
            },
            sessions: sessions.into_iter().map(ExportedSession::from).collect(),
            address_change: change.map(|(email, expires_at)| ExportedChange {
                new_email: email.typed().to_owned(),
                expires_at,
            }),
            mails: mails.into_iter().rev().map(ExportedMail::from).collect(),
            newsletters,
            billing,
            notices,
            cancellation_notices,
            meters: meters.into_iter().map(ExportedMeter::from).collect(),
            decisions: decisions.into_iter().map(ExportedDecision::from).collect(),
            notes: notes
                .into_iter()
                .map(|note| ExportedNote { at: note.at, text: note.text })
                .collect(),
        })
    }

    /// [`Accounts::erase`] by the reader, who must have logged in lately.
    ///
    /// # Errors
    /// [`AccountError::FreshLoginRequired`]; as [`Accounts::erase`].
    pub async fn erase_self(&self, caller: Caller) -> Result<(), AccountError> {
        let now = self.clock.now();
        let session = self.session_of(&mut self.db.read().await?, caller, now).await?;
        if !session.is_fresh(FRESH_FOR, now) {
            return Err(AccountError::FreshLoginRequired);
        }
        self.erase(caller.subject, None).await
    }

    /// Forgets who the reader `id` is: the address, the password, sessions, links, mails and
    /// reads. The bare id stays, so that what the law keeps refers to one person, known to nobody.
    /// `record` goes into the audit log where it is staff who erase.
    ///
    /// # Errors
    /// [`AccountError::Gone`]; when a database fails. Whatever was not erased then is when it is
    /// asked for again.
    pub async fn erase(&self, id: Uuid, record: Option<&Entry>) -> Result<(), AccountError> {
        let now = self.clock.now();
        // The meter first: its database may be another, and only a reader who is still there can
        // ask again.
        let pools = self.directory.snapshot().pools();
        let mut tx = self.meter_db.write().await?;
        records::forget(&mut tx, &pools, id).await?;
        tx.commit().await?;
        let mut tx = self.db.write().await?;
        store::lock(&mut tx, id).await?;
        let reader = store::find(&mut tx, id).await?.ok_or(AccountError::Gone)?;
        // Nobody pays for an account that is no more.
        self.billing.end_for(&mut tx, id, now).await?;
        if let Some((asked_for, _)) = address_store::find(&mut tx, id).await? {
            outbox::delete_to(&mut tx, &asked_for).await?;
        }
        address_store::delete(&mut tx, id).await?;
        if !store::erase(&mut tx, id, now).await? {
            return Err(AccountError::Gone);
        }
        let owner = (Realm::Reader, id);
        let ended = sessions::end_all(&mut tx, owner, EndReason::Erased, now).await?;
        sessions::forget_devices(&mut tx, owner).await?;
        decisions::forget(&mut tx, id).await?;
        note_store::forget(&mut tx, id).await?;
        notices::call_off(&mut tx, id, now).await?;
        let proved = reader.is_proved().then_some(&reader.email);
        self.billing.forget_notices(&mut tx, id, proved).await?;
        // What belongs to an address goes with its owner, not with a reader who has only typed it.
        if reader.is_proved() {
            link_store::delete_for(&mut tx, &reader.email).await?;
            outbox::delete_to(&mut tx, &reader.email).await?;
            waiting_gift::delete_for(&mut tx, &reader.email).await?;
            newsletters::forget(&mut tx, &reader.email).await?;
        }
        let to = self.recipient(&reader);
        self.write_to(&mut tx, &to, &Letter::AccountErased { at: now }, now)?;
        if let Some(entry) = record {
            audit::append(&mut tx, &self.audit_key, entry).await?;
        }
        tx.commit().await?;
        self.tokens.revocations().add(ended);
        Ok(())
    }
}
