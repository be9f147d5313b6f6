//! Reads a page of a reader's timeline.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{
    entry::{Entry, Kind},
    store,
    words::Names,
};
use crate::{
    auth::staff::store as store_of_staff,
    billing::catalog::localized::Localized,
    http::problem::ApiError,
    language::Language,
    reader::model::Reader,
    staff::{
        desk::{Desk, DeskError},
        find::{
            cursor::CursorKey,
            lists::{Page, opened},
            looked::{invalid, limit},
        },
    },
};

/// Which part of a timeline, as its parameters travel. An empty one says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// `subscription`, `payment`, `mail`, `account`, `newsletter`, `note`, `staff` or `read`.
    pub kind: String,
    /// `next_cursor` of the page before.
    pub cursor: String,
    /// 1 to 200; 50 where nothing is said. What happened in one moment is not torn apart, so a page
    /// may be a few longer.
    pub limit: String,
}

impl Wanted {
    /// The kind that is looked for.
    ///
    /// # Errors
    /// [`ApiError::InvalidQuery`].
    pub fn kind(&self) -> Result<Option<Kind>, ApiError> {
        let rule = || {
            let all: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
            invalid("kind", format!("must be one of: {}", all.join(", ")))
        };
        match self.kind.as_str() {
            "" => Ok(None),
            text => Kind::parse(text).map(Some).ok_or_else(rule),
        }
    }
}

impl Desk {
    /// A page of what happened to and around a reader, the latest first.
    ///
    /// # Errors
    /// [`ApiError::InvalidQuery`] names the parameter and its rule; when the database fails.
    pub async fn timeline(
        &self,
        reader: &Reader,
        wanted: &Wanted,
    ) -> Result<Page<Entry>, ApiError> {
        let kind = wanted.kind()?;
        let most = usize::try_from(limit(&wanted.limit)?).unwrap_or(1);
        let list = format!("timeline?{}&{}", reader.id, wanted.kind);
        let key = CursorKey::of(&self.master);
        let before = opened(&key, &list, &wanted.cursor)?;
        // What was decided a moment ago is still on its way into the database.
        if kind.is_none_or(|kind| kind == Kind::Read) {
            self.gate.log.flush().await;
        }
        let mut tx = self.db.read().await.map_err(ApiError::internal)?;
        let page = store::page(&mut tx, (reader, before), kind, most).await;
        let (mut entries, next) = page.map_err(ApiError::internal)?;
        if self.readers.mail.keeps() {
            entries.iter_mut().for_each(Entry::keep_mail);
        }
        Ok(Page { entries, next: next.map(|place| key.seal(&list, place)) })
    }

    /// What people call what the catalog keeps by ids.
    #[must_use]
    pub fn names(&self) -> Names {
        let catalog = self.readers.billing.catalogs.current();
        let named = |id: &str, name: &Localized| {
            (id.to_owned(), name.in_language(Language::English).to_owned())
        };
        Names {
            staff: BTreeMap::new(),
            plans: catalog.plans.iter().map(|it| named(&it.id, &it.name)).collect(),
            products: catalog.products.iter().map(|it| named(&it.id, &it.name)).collect(),
            lists: catalog.newsletters.iter().map(|it| named(&it.id, &it.name)).collect(),
        }
    }

    /// [`Desk::names`], and the addresses of these members of staff.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn names_with(&self, staff: BTreeSet<Uuid>) -> Result<Names, DeskError> {
        let mut names = self.names();
        if staff.is_empty() {
            return Ok(names);
        }
        let mut tx = self.db.read().await?;
        for id in staff {
            if let Some(known) = store_of_staff::find(&mut tx, id).await? {
                names.staff.insert(id.to_string(), known.email.typed().to_owned());
            }
        }
        Ok(names)
    }
}

/// Who of staff is named as an actor in `entries`.
#[must_use]
pub fn staff_in(entries: &[Entry]) -> BTreeSet<Uuid> {
    let staff = entries.iter().filter_map(|it| it.actor.strip_prefix("staff:"));
    staff.filter_map(|id| id.parse().ok()).collect()
}
