//! The timeline of one reader, as its page shows it.

use uuid::Uuid;

use super::frame::Frame;
use crate::staff::{
    find::lists::Page,
    timeline::{
        Wanted,
        entry::{Entry, Kind, What},
        words::{Names, told},
    },
};

/// The part of the timeline that is shown.
pub(super) struct Timeline {
    pub(super) kind: Option<Kind>,
    pub(super) entries: Vec<Happened>,
    /// Where the earlier ones are.
    pub(super) next: Option<String>,
    /// Whether there are later ones.
    pub(super) is_later: bool,
}

/// Something that happened.
pub(super) struct Happened {
    pub(super) at: String,
    pub(super) actor: String,
    pub(super) what: String,
    pub(super) kind: Kind,
    /// Where a decision is explained.
    pub(super) why: Option<String>,
}

/// The kinds of the timeline by their names, to choose from.
pub(super) const KINDS: [(&str, &str); 9] = [
    ("", "Everything"),
    ("subscription", "Subscriptions"),
    ("payment", "Payments"),
    ("mail", "Mails"),
    ("account", "Log-ins"),
    ("newsletter", "Newsletters"),
    ("note", "Notes"),
    ("staff", "Staff"),
    ("read", "Reads and walls"),
];

impl Timeline {
    /// `page` of the timeline of the reader `id`, as it was `wanted`.
    pub(super) fn of(
        page: &Page<Entry>,
        (id, wanted, kind): (Uuid, &Wanted, Option<Kind>),
        (frame, names): (&Frame, &Names),
    ) -> Self {
        let next = page.next.as_ref().map(|next| {
            let query = [("kind", wanted.kind.as_str()), ("cursor", next)];
            let query = serde_urlencoded::to_string(query).unwrap_or_default();
            format!("/staff/readers/{id}?{query}#timeline")
        });
        Self {
            kind,
            next,
            is_later: !wanted.cursor.is_empty(),
            entries: page.entries.iter().map(|it| Happened::of(it, frame, names)).collect(),
        }
    }
}

impl Happened {
    pub(super) fn of(entry: &Entry, frame: &Frame, names: &Names) -> Self {
        let why = match &entry.what {
            What::Decided(logged) => Some(format!("/staff/why?code={}", logged.code)),
            _ => None,
        };
        Self {
            at: frame.words.moment(entry.at),
            actor: names.actor(&entry.actor),
            what: told(entry, &frame.words, names),
            kind: entry.what.kind(),
            why,
        }
    }
}
