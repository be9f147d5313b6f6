//! Filters that a member of staff uses again, under a name of their own. What was typed to find
//! somebody is not kept: it may be an address, and would outlive its reader.

use uuid::Uuid;

use super::{looked::Looked, view_store as store};
use crate::{
    clock::Timestamp,
    http::{
        problem::{ApiError, FieldError},
        strict,
    },
    staff::desk::{Acting, Desk, DeskError},
};

/// Most that one member of staff keeps.
const VIEWS_MAX: i64 = 50;
const NAME_MAX: usize = 60;

/// Filters under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Its id.
    pub id: Uuid,
    /// What its owner calls it.
    pub name: String,
    /// The parameters of the list, as in its address.
    pub query: String,
    /// Since when.
    pub created_at: Timestamp,
}

fn invalid(field: &'static str, detail: impl Into<String>) -> ApiError {
    ApiError::InvalidFields(vec![FieldError::new(field, "invalid_value", detail)])
}

fn parse_name(name: &str) -> Result<String, ApiError> {
    let name = name.trim();
    let fits = (1..=NAME_MAX).contains(&name.chars().count());
    let is_text = !name.chars().any(char::is_control);
    let rule = || invalid("name", "must be 1 to 60 characters without control characters");
    (fits && is_text).then(|| name.to_owned()).ok_or_else(rule)
}

impl Desk {
    /// What the member of staff kept, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn views(&self, acting: &Acting) -> Result<Vec<View>, DeskError> {
        Ok(store::list(&mut self.db.read().await?, acting.staff.id, VIEWS_MAX).await?)
    }

    /// Keeps filters under a name, in place of those that had it.
    ///
    /// # Errors
    /// [`ApiError::InvalidFields`]; [`ApiError::Conflict`] where there are 50; when the database
    /// fails.
    pub async fn keep_view(
        &self,
        acting: &Acting,
        name: &str,
        query: &str,
    ) -> Result<View, ApiError> {
        let name = parse_name(name)?;
        let looked: Looked = strict::from_query(query.trim_start_matches('?'))
            .map_err(|error| invalid("query", error.to_string()))?;
        let looked = Looked { cursor: String::new(), limit: String::new(), ..looked.trimmed() };
        if !looked.q.is_empty() {
            return Err(invalid("query", "keeps filters, and not what was looked for (`q`)"));
        }
        self.listing(acting.visibility(), &looked).await.map_err(in_query)?;
        let now = self.clock.now();
        let id = self.ids.uuid(now).map_err(ApiError::internal)?;
        let view = View { id, name, query: looked.query(), created_at: now };
        let mut tx = self.db.write().await.map_err(ApiError::internal)?;
        let kept = store::keep(&mut tx, acting.staff.id, &view, VIEWS_MAX).await;
        if !kept.map_err(ApiError::internal)? {
            let rule = "nobody keeps more than 50; remove one first";
            return Err(ApiError::Conflict("too_many_views", rule.into()));
        }
        tx.commit().await.map_err(ApiError::internal)?;
        Ok(view)
    }

    /// Forgets kept filters.
    ///
    /// # Errors
    /// [`DeskError::NotFound`], also for somebody else's.
    pub async fn forget_view(&self, acting: &Acting, id: Uuid) -> Result<(), DeskError> {
        let mut tx = self.db.write().await?;
        if !store::forget(&mut tx, acting.staff.id, id).await? {
            return Err(DeskError::NotFound);
        }
        Ok(tx.commit().await?)
    }
}

/// A wrong parameter, of the query that a body holds.
fn in_query(error: ApiError) -> ApiError {
    let ApiError::InvalidQuery(errors) = error else { return error };
    let within = |error: FieldError| {
        let field = format!("query.{}", error.field);
        FieldError { field, ..error }
    };
    ApiError::InvalidFields(errors.into_iter().map(within).collect())
}
