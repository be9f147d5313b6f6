//! What staff do with newsletters: see how many receive each, and hand them to the mail tool.

use serde_json::json;

use super::desk::{Acting, Desk, DeskError};
use crate::{
    audit::{model::Action, store as audit},
    billing::catalog::newsletters::Newsletter,
    newsletter::store,
};

impl Desk {
    /// Each newsletter, in the catalog's order, with the number of those who agreed to receive it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn newsletters(&self) -> Result<Vec<(Newsletter, i64)>, DeskError> {
        let counts = store::count(&mut self.db.read().await?).await?;
        let count = |id: &str| counts.iter().find(|(list, _)| list == id).map_or(0, |(_, n)| *n);
        let catalog = self.newsletters.catalogs.current();
        Ok(catalog.newsletters.iter().map(|it| (it.clone(), count(&it.id))).collect())
    }

    /// Notes that those who receive a newsletter are given out, and says which newsletter it is.
    ///
    /// # Errors
    /// [`DeskError::NotFound`].
    pub async fn export_newsletter(
        &self,
        acting: &Acting,
        id: &str,
    ) -> Result<Newsletter, DeskError> {
        let catalog = self.newsletters.catalogs.current();
        let newsletter = catalog.newsletter(id).ok_or(DeskError::NotFound)?;
        let entry = acting
            .entry(Action::NewsletterExported)
            .on("newsletter", &newsletter.id)
            .after(json!({"format": "csv"}));
        let mut tx = self.db.write().await?;
        audit::append(&mut tx, &self.audit_key, &entry).await?;
        tx.commit().await?;
        Ok(newsletter.clone())
    }
}
