//! What stands in the timeline of a reader, and in which order. Pure.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    access::log::past::Logged,
    auth::session::model::EndReason,
    billing::{subscription::listing::Place, timeline::Told},
    clock::Timestamp,
    mail::outbox,
    money::Money,
};

/// What an entry is about, for those who look for one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TimelineKind)]
pub enum Kind {
    /// Subscriptions, what was agreed to, and what was given.
    Subscription,
    /// Charges, refunds and invoices.
    Payment,
    /// What was written to the reader.
    Mail,
    /// The account itself, and where the reader was logged in.
    Account,
    /// Which newsletters were wanted.
    Newsletter,
    /// What staff wrote down.
    Note,
    /// What staff did.
    Staff,
    /// Articles that counted, and walls.
    Read,
}

impl Kind {
    /// Every one of them.
    pub const ALL: [Self; 8] = [
        Self::Subscription,
        Self::Payment,
        Self::Mail,
        Self::Account,
        Self::Newsletter,
        Self::Note,
        Self::Staff,
        Self::Read,
    ];

    /// For programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subscription => "subscription",
            Self::Payment => "payment",
            Self::Mail => "mail",
            Self::Account => "account",
            Self::Newsletter => "newsletter",
            Self::Note => "note",
            Self::Staff => "staff",
            Self::Read => "read",
        }
    }

    /// Reads what [`Kind::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Where it stands: a later one has a greater place.
    pub place: Place,
    /// When it happened.
    pub at: Timestamp,
    /// By whom: `reader`, `system` or `staff:<id>`, as with subscriptions.
    pub actor: String,
    /// What.
    pub what: What,
}

/// What happened, with the facts of it.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Something happened to a subscription.
    Event(Told),
    /// The reader agreed to the words beside the button.
    Agreed {
        /// To begin or change which subscription.
        subscription: Uuid,
        /// On which plan.
        plan: String,
    },
    /// The publisher gave a product away.
    Given {
        /// What.
        product: String,
        /// Up to then.
        until: Timestamp,
        /// Why.
        reason: String,
    },
    /// It was taken back.
    TakenBack {
        /// What.
        product: String,
        /// Why.
        reason: String,
    },
    /// The gateway was asked for money.
    Charge {
        /// How that went: a status of a charge.
        status: String,
        /// What for: a purpose of a charge.
        purpose: String,
        /// How much.
        amount: Money,
        /// Which try for this period, from 1.
        attempt: i64,
        /// The gateway's word for a decline.
        code: Option<String>,
    },
    /// Money was to go back.
    Refund {
        /// How that went: a status of a refund.
        status: String,
        /// How much.
        amount: Money,
    },
    /// An invoice was made.
    Invoice {
        /// Which.
        id: Uuid,
        /// Its number, once it has one.
        number: Option<String>,
        /// Where it stands.
        status: String,
        /// How much.
        total: Money,
    },
    /// A mail was written.
    Mail {
        /// What it is about.
        subject: String,
        /// Where it stands.
        status: String,
    },
    /// A link in a mail was used for the first time.
    Clicked {
        /// What the mail is about.
        subject: String,
    },
    /// The account was begun.
    Begun,
    /// A mail to the address was answered for the first time, or the last.
    Confirmed,
    /// The reader logged in.
    LoggedIn {
        /// What the device calls itself.
        device: String,
        /// Whether it opens articles and no account.
        reads_only: bool,
    },
    /// A device was logged out.
    LoggedOut {
        /// What the device calls itself.
        device: String,
        /// Why.
        reason: EndReason,
    },
    /// Newsletters were asked for.
    ListsAsked {
        /// Their ids.
        lists: Vec<String>,
        /// When the mailbox agreed.
        confirmed_at: Option<Timestamp>,
    },
    /// A newsletter was left.
    ListLeft {
        /// Its id.
        list: String,
    },
    /// Staff wrote something down.
    Noted {
        /// What.
        text: String,
    },
    /// Staff did something, as the audit log has it.
    Act {
        /// What: a word of the audit log.
        action: String,
        /// Why, where a reason was given.
        reason: Option<String>,
    },
    /// A read was counted, or a wall met.
    Decided(Box<Logged>),
}

impl Entry {
    /// Says of a mail that waits that it is kept, for where none is ever sent.
    pub(super) fn keep_mail(&mut self) {
        if let What::Mail { status, .. } = &mut self.what {
            *status = outbox::where_kept(std::mem::take(status));
        }
    }
}

impl What {
    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Event(_) | Self::Agreed { .. } | Self::Given { .. } | Self::TakenBack { .. } => {
                Kind::Subscription
            }
            Self::Charge { .. } | Self::Refund { .. } | Self::Invoice { .. } => Kind::Payment,
            Self::Mail { .. } | Self::Clicked { .. } => Kind::Mail,
            Self::Begun | Self::Confirmed | Self::LoggedIn { .. } | Self::LoggedOut { .. } => {
                Kind::Account
            }
            Self::ListsAsked { .. } | Self::ListLeft { .. } => Kind::Newsletter,
            Self::Noted { .. } => Kind::Note,
            Self::Act { .. } => Kind::Staff,
            Self::Decided(_) => Kind::Read,
        }
    }

    /// A dotted word for programs.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Event(told) => told.event.clone(),
            Self::Agreed { .. } => "consent.given".to_owned(),
            Self::Given { .. } => "grant.given".to_owned(),
            Self::TakenBack { .. } => "grant.taken_back".to_owned(),
            Self::Charge { status, .. } => format!("charge.{status}"),
            Self::Refund { status, .. } => format!("refund.{status}"),
            Self::Invoice { status, .. } => format!("invoice.{status}"),
            Self::Mail { status, .. } => format!("mail.{status}"),
            Self::Clicked { .. } => "mail.clicked".to_owned(),
            Self::Begun => "account.begun".to_owned(),
            Self::Confirmed => "account.confirmed".to_owned(),
            Self::LoggedIn { .. } => "session.started".to_owned(),
            Self::LoggedOut { .. } => "session.ended".to_owned(),
            Self::ListsAsked { .. } => "newsletter.asked".to_owned(),
            Self::ListLeft { .. } => "newsletter.left".to_owned(),
            Self::Noted { .. } => "note.written".to_owned(),
            Self::Act { action, .. } => action.clone(),
            Self::Decided(logged) => format!("read.{}", logged.reason.as_str()),
        }
    }
}

/// The `most` latest entries of all sources, the latest first, and the place before which the next
/// ones are. Each source gives its latest, one more than `most` where it has as many, and has at most
/// one at each place. What stands at one place is never torn apart, so a page may be a few longer.
#[must_use]
pub(super) fn merge(sources: Vec<Vec<Entry>>, most: usize) -> (Vec<Entry>, Option<Place>) {
    let mut all: Vec<Entry> = sources.into_iter().flatten().collect();
    all.sort_by_key(|entry| std::cmp::Reverse(entry.place));
    let Some(last) = most.checked_sub(1).and_then(|last| all.get(last)).map(|it| it.place) else {
        return (all, None);
    };
    let whole = all.len();
    all.retain(|entry| entry.place >= last);
    let next = (all.len() < whole).then_some(last);
    (all, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at: i64, id: u128) -> Entry {
        let at = Timestamp::from_micros(at).unwrap();
        let actor = "reader".to_owned();
        Entry { place: (at, Uuid::from_u128(id)), at, actor, what: What::Begun }
    }

    /// Reads all of `sources` in pages of `most`.
    fn pages(sources: &[Vec<(i64, u128)>], most: usize) -> Vec<Vec<(i64, u128)>> {
        let mut pages = Vec::new();
        let mut before = (Timestamp::MAX, Uuid::max());
        loop {
            let asked = |source: &Vec<(i64, u128)>| {
                let mut found: Vec<Entry> = source.iter().map(|(at, id)| entry(*at, *id)).collect();
                found.sort_by_key(|it| std::cmp::Reverse(it.place));
                found.retain(|it| it.place < before);
                found.truncate(most + 1);
                found
            };
            let (page, next) = merge(sources.iter().map(asked).collect(), most);
            pages.push(page.iter().map(|it| (it.at.micros(), it.place.1.as_u128())).collect());
            let Some(next) = next else { return pages };
            before = next;
        }
    }

    #[test]
    fn sources_become_one_in_pages_that_lose_nothing_and_repeat_nothing() {
        for (sources, most, expected) in [
            (vec![], 2, vec![vec![]]),
            (vec![vec![], vec![(1, 1)]], 2, vec![vec![(1, 1)]]),
            // Exactly a page is the last one.
            (vec![vec![(1, 1)], vec![(2, 2)]], 2, vec![vec![(2, 2), (1, 1)]]),
            (
                vec![vec![(5, 1), (1, 2)], vec![(4, 3), (3, 4)], vec![(2, 5)]],
                2,
                vec![vec![(5, 1), (4, 3)], vec![(3, 4), (2, 5)], vec![(1, 2)]],
            ),
            // Of one instant the id decides.
            (
                vec![vec![(1, 3), (1, 1)], vec![(1, 2)]],
                1,
                vec![vec![(1, 3)], vec![(1, 2)], vec![(1, 1)]],
            ),
            // One place in two sources stays together.
            (
                vec![vec![(3, 1), (2, 2)], vec![(2, 2), (1, 3)]],
                2,
                vec![vec![(3, 1), (2, 2), (2, 2)], vec![(1, 3)]],
            ),
        ] {
            assert_eq!(pages(&sources, most), expected, "{sources:?} in pages of {most}");
        }
    }

    #[test]
    fn a_source_far_ahead_of_the_others_is_read_to_its_end_first() {
        let busy: Vec<_> = (100..200).map(|at| (at, 1)).collect();
        let quiet: Vec<_> = (0..3).map(|at| (at, 2)).collect();
        let all: Vec<_> = pages(&[quiet, busy], 7).concat();
        assert_eq!(all.len(), 103);
        assert!(all.is_sorted_by(|a, b| a > b));
    }

    #[test]
    fn kinds_are_read_as_they_were_written() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(Kind::parse("Read"), None);
    }
}
