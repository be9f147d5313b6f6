//! What somebody has at hand, and what it names: a reader, a subscription, an invoice.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::{
    billing::{
        invoice::listing::{self as invoices, ListedInvoice},
        subscription::{
            listing::{Entry, Filters, IDS_MAX, Sort, Whose},
            search::{self, Named},
        },
    },
    db::{StoreError, Tx},
    http::problem::ApiError,
    reader::search::store::{self as readers, Found},
    staff::{desk::Desk, disclosures::Lookup, visibility::Visibility},
};

/// Most hits of one kind.
const HITS_MAX: usize = 20;

/// Something to look for. Pure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sought {
    /// An id of anything.
    Id(Uuid),
    /// Four digits: the last ones of a card, or a part of a name.
    Digits(String),
    /// An address, a part of one, a number or a reference.
    Text(String),
}

impl Sought {
    /// What `text` can be.
    pub(super) fn of(text: &str) -> Self {
        let text = text.trim();
        if let Ok(id) = text.parse() {
            return Self::Id(id);
        }
        let is_digits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_digits { Self::Digits(text.to_owned()) } else { Self::Text(text.to_owned()) }
    }

    /// The readers that it names, the best first.
    pub(super) async fn readers(&self, tx: &mut Tx) -> Result<Vec<Found>, StoreError> {
        match self {
            Self::Id(id) => readers::by_id(tx, *id).await,
            Self::Digits(text) | Self::Text(text) => readers::find(tx, text).await,
        }
    }

    /// The invoices that it names, or at least their subscriptions.
    async fn named(&self, tx: &mut Tx) -> Result<Vec<Named>, StoreError> {
        match self {
            Self::Id(id) => search::named(tx, Some(*id), "").await,
            Self::Digits(_) => Ok(Vec::new()),
            Self::Text(text) => search::named(tx, None, text).await,
        }
    }

    /// Whose subscriptions it means.
    pub(super) async fn whose(&self, tx: &mut Tx, by: Visibility) -> Result<Whose, StoreError> {
        let named = self.named(tx).await?;
        let is_part = named.is_empty() && matches!(self, Self::Text(_));
        let found = if is_part && by.sees_readers() { self.readers(tx).await? } else { Vec::new() };
        Ok(self.meaning(&named, &found))
    }

    /// Whose subscriptions it means, where it names these. A number names one thing: only what
    /// names nothing is taken for a part of an address.
    fn meaning(&self, named: &[Named], found: &[Found]) -> Whose {
        let subscriptions = named.iter().map(|it| it.subscription_id);
        let readers = found.iter().map(|reader| reader.id);
        let ids = subscriptions.chain(readers);
        match self {
            Self::Digits(digits) => Whose::Last4(digits.clone()),
            Self::Id(id) => Whose::Of(std::iter::once(*id).chain(ids).take(IDS_MAX).collect()),
            Self::Text(_) => Whose::Of(ids.take(IDS_MAX).collect()),
        }
    }
}

/// What was found.
#[derive(Debug)]
pub struct Hits {
    /// Readers, the best first; none for whoever may not see who readers are.
    pub readers: Vec<Found>,
    /// Subscriptions, the latest first.
    pub subscriptions: Vec<Entry>,
    /// Invoices.
    pub invoices: Vec<ListedInvoice>,
}

impl Desk {
    /// Everything that `q` can mean, at most 20 of a kind.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, by: &Lookup, q: &str) -> Result<Hits, ApiError> {
        let sought = Sought::of(q);
        let mut tx = self.db.read().await.map_err(ApiError::internal)?;
        let found =
            Self::look(&mut tx, &sought, by.visibility).await.map_err(ApiError::internal)?;
        let (mut readers, whose, invoices) = found;
        drop(tx);
        let filters = Filters { whose, ..Filters::default() };
        let most = i64::try_from(HITS_MAX).unwrap_or(0);
        let page = self.readers.billing.list_page((&filters, Sort::Created), None, most).await?;
        readers.truncate(HITS_MAX);
        let subscriptions = page.entries.iter().filter(|it| it.email.is_some()).count();
        let bills =
            invoices.iter().filter(|it| it.head.as_ref().is_ok_and(|it| it.email.is_some()));
        let named = readers.len() + subscriptions + bills.count();
        self.note_listing(by, "search", named).await?;
        Ok(Hits { readers, subscriptions: page.entries, invoices })
    }

    /// The readers, whose subscriptions, and the invoices.
    async fn look(
        tx: &mut Tx,
        sought: &Sought,
        by: Visibility,
    ) -> Result<(Vec<Found>, Whose, Vec<ListedInvoice>), StoreError> {
        let named = sought.named(tx).await?;
        let mut bills = Vec::new();
        let ids: BTreeSet<Uuid> = named.iter().filter_map(|it| it.invoice_id).collect();
        for id in ids {
            bills.extend(invoices::by_id(tx, id).await?);
        }
        let is_reader = named.is_empty() && by.sees_readers();
        let found = if is_reader { sought.readers(tx).await? } else { Vec::new() };
        let whose = sought.meaning(&named, &found);
        Ok((found, whose, bills))
    }
}
