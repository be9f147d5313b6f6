//! Lists of what was given away, page by page.

use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{
    cursor::CursorKey,
    lists::{Page, opened},
    looked::{invalid, limit},
};
use crate::{
    billing::grant::{self, Filter, GrantState, Listed},
    clock::Timestamp,
    http::problem::ApiError,
    staff::{desk::Desk, disclosures::Lookup},
};

/// The parameters of a list of what was given away, as they travel. An empty one says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct GivenLooked {
    /// `running`, `ended` or `taken_back`.
    pub state: String,
    /// The id of a reader.
    pub reader: String,
    /// `next_cursor` of the page before.
    pub cursor: String,
    /// 1 to 200; 50 where nothing is said.
    pub limit: String,
}

impl GivenLooked {
    /// The address of the same list, from its beginning.
    #[must_use]
    pub fn query(&self) -> String {
        let fields = [("state", &self.state), ("reader", &self.reader)];
        let said: Vec<_> = fields.into_iter().filter(|(_, text)| !text.is_empty()).collect();
        serde_urlencoded::to_string(said).unwrap_or_default()
    }

    fn filter(&self) -> Result<Filter, ApiError> {
        let state = GrantState::parse(&self.state);
        if state.is_none() && !self.state.is_empty() {
            return Err(invalid("state", "must be one of: running, ended, taken_back"));
        }
        let reader: Option<Uuid> = self.reader.parse().ok();
        if reader.is_none() && !self.reader.is_empty() {
            return Err(invalid("reader", "must be the id of a reader"));
        }
        Ok(Filter { state, reader })
    }
}

impl Desk {
    /// A page of what was given away, the latest first.
    ///
    /// # Errors
    /// [`ApiError::InvalidQuery`] names the parameter and its rule; when the database fails.
    pub async fn list_given(
        &self,
        by: &Lookup,
        looked: &GivenLooked,
    ) -> Result<Page<Listed>, ApiError> {
        let most = limit(&looked.limit)?;
        let filter = looked.filter()?;
        let list = format!("given?{}", looked.query());
        let key = CursorKey::of(&self.master);
        let before = opened(&key, &list, &looked.cursor)?;
        let before = before.unwrap_or((Timestamp::MAX, Uuid::max()));
        let mut tx = self.db.read().await.map_err(ApiError::internal)?;
        let found = grant::page(&mut tx, filter, before, (most + 1, self.clock.now())).await;
        let mut entries = found.map_err(ApiError::internal)?;
        let whole = usize::try_from(most).unwrap_or(0);
        let is_more = entries.len() > whole;
        entries.truncate(whole);
        let end = entries.last().filter(|_| is_more);
        let next = end.map(|end| key.seal(&list, (end.grant.created_at, end.grant.id)));
        let named = entries.iter().filter(|it| it.email.is_some()).count();
        self.note_listing(by, "complimentary", named).await?;
        Ok(Page { entries, next })
    }
}
