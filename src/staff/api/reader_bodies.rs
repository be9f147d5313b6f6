//! A reader, as programs of staff see one.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{complimentary::GivenBody, notes::NoteBody, subscription_bodies::StaffSubscription};
use crate::{
    auth::session::model::Session,
    billing::{invoice::view::InvoiceView, ledger::statement::Line},
    clock::Timestamp,
    language::{Language, Words},
    mail::outbox::ListedMail,
    money::Money,
    reader::{device_name, model::Reader},
    staff::{
        find::lists::Page,
        review::ReaderReview,
        timeline::{
            entry::{Entry, Kind},
            words::{Names, told},
        },
    },
};

/// Who a reader is.
#[derive(Debug, Serialize, ToSchema)]
struct WhoBody {
    id: Uuid,
    email: String,
    /// When a mail to it was answered; null where the account is provisional.
    #[schema(value_type = Option<String>, format = DateTime)]
    email_verified_at: Option<Timestamp>,
    /// Whether a password is set; those without log in by mail.
    has_password: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// In which the reader wants to be spoken to.
    language: Option<&'static str>,
    /// The site on which the account was begun.
    site: Option<String>,
}

impl From<Reader> for WhoBody {
    fn from(reader: Reader) -> Self {
        Self {
            id: reader.id,
            email: reader.email.typed().to_owned(),
            email_verified_at: reader.email_verified_at,
            has_password: reader.password_hash.is_some(),
            created_at: reader.created_at,
            language: reader.language.map(Language::tag),
            site: reader.site,
        }
    }
}

/// A device that is logged in.
#[derive(Debug, Serialize, ToSchema)]
struct DeviceBody {
    id: Uuid,
    /// Its browser and system, or what it calls itself.
    #[schema(example = "Firefox on Linux")]
    device: String,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// To the minute.
    #[schema(value_type = String, format = DateTime)]
    last_used_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// Whether it opens articles and no account.
    reads_only: bool,
}

/// An entry of the ledger.
#[derive(Debug, Serialize, ToSchema)]
struct LedgerBody {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `issued`, `balance_applied`, `paid`, `voided`, `credited` or `refunded`.
    kind: &'static str,
    /// The number of its invoice.
    invoice: Option<String>,
    amount: Money,
    /// What stood between us afterwards: above zero the reader owes us, below zero we owe them.
    standing: Money,
}

impl From<Line> for LedgerBody {
    fn from(line: Line) -> Self {
        let Line { at, kind, invoice, amount, standing, .. } = line;
        Self { at, kind: kind.as_str(), invoice, amount, standing }
    }
}

/// A mail. What it says is between us and the reader.
#[derive(Debug, Serialize, ToSchema)]
struct MailBody {
    id: Uuid,
    subject: String,
    /// `queued`, `sent` or `dead`; `kept` in a sandbox that sends none.
    status: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was sent or given up.
    #[schema(value_type = Option<String>, format = DateTime)]
    done_at: Option<Timestamp>,
    /// When a link in it was used for the first time; links that programs opened do not count.
    #[schema(value_type = Option<String>, format = DateTime)]
    clicked_at: Option<Timestamp>,
}

impl From<ListedMail> for MailBody {
    fn from(mail: ListedMail) -> Self {
        let ListedMail { id, subject, status, created_at, done_at, clicked_at, .. } = mail;
        Self { id, subject, status, created_at, done_at, clicked_at }
    }
}

/// Who a reader is, and what belongs to the reader.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReaderWhole {
    reader: WhoBody,
    /// The latest first.
    subscriptions: Vec<StaffSubscription>,
    /// What was given away, the last to end first.
    complimentary: Vec<GivenBody>,
    /// The newest first.
    invoices: Vec<InvoiceView>,
    /// What we owe the reader, in each currency.
    balances: Vec<Money>,
    /// The latest 100 entries of the ledger, the latest first.
    ledger: Vec<LedgerBody>,
    /// Where the reader is logged in, the last used first.
    devices: Vec<DeviceBody>,
    /// What was written to the reader, the latest first; kept for 30 days.
    mails: Vec<MailBody>,
    /// What staff wrote down, the latest first.
    notes: Vec<NoteBody>,
}

impl ReaderWhole {
    pub(crate) fn of(review: ReaderReview, now: Timestamp, words: &Words) -> Self {
        let device = |it: Session| DeviceBody {
            id: it.id,
            device: device_name::of(words, &it.device),
            started_at: it.started_at,
            last_used_at: it.last_used_at,
            expires_at: it.expires_at,
            reads_only: it.reads_only(),
        };
        let given = review.grants.into_iter().map(|grant| GivenBody::of(grant, now));
        Self {
            reader: review.reader.into(),
            subscriptions: review.subscriptions.iter().map(StaffSubscription::from).collect(),
            complimentary: given.collect(),
            invoices: review.invoices,
            balances: review.balances,
            ledger: review.ledger.into_iter().map(LedgerBody::from).collect(),
            devices: review.devices.into_iter().map(device).collect(),
            mails: review.mails.into_iter().map(MailBody::from).collect(),
            notes: review.notes.into_iter().map(NoteBody::from).collect(),
        }
    }
}

/// Something that happened to or around a reader.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HappenedBody {
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: Timestamp,
    kind: Kind,
    /// `reader`, `system`, `command` or `staff:<id>`.
    pub(crate) actor: String,
    /// What: a stable dotted word.
    #[schema(example = "charge.declined")]
    event: String,
    /// The same in a sentence, for people.
    pub(crate) text: String,
}

/// A page of a timeline.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelinePage {
    /// The latest first.
    pub(crate) timeline: Vec<HappenedBody>,
    /// For the earlier ones; null on the last page.
    #[schema(required)]
    next_cursor: Option<String>,
}

impl TimelinePage {
    pub(crate) fn of(page: Page<Entry>, words: &Words, names: &Names) -> Self {
        let body = |it: Entry| HappenedBody {
            at: it.at,
            kind: it.what.kind(),
            event: it.what.word(),
            text: told(&it, words, names),
            actor: it.actor,
        };
        Self { timeline: page.entries.into_iter().map(body).collect(), next_cursor: page.next }
    }
}
