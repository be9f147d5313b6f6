//! What admins do with accounts of staff. Each change ends the sessions of whom it is about, and is
//! in the audit log, in its own transaction.

use serde_json::json;
use uuid::Uuid;

use super::desk::{Acting, Desk, DeskError};
use crate::{
    audit::{
        model::{Action, Entry},
        store as audit,
    },
    auth::{
        access_token::Realm,
        session::{model::EndReason, store as sessions},
        staff::{
            model::{Role, Staff},
            store,
        },
    },
    db::Tx,
};

impl Desk {
    /// Every account of staff, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn team(&self) -> Result<Vec<Staff>, DeskError> {
        Ok(store::list(&mut self.db.read().await?).await?)
    }

    /// Gives an account the role `to`, where it has the role `from`.
    ///
    /// # Errors
    /// [`DeskError::OwnAccount`], [`DeskError::LastAdmin`], [`DeskError::Changed`].
    pub async fn set_role(
        &self,
        acting: &Acting,
        id: Uuid,
        (from, to): (Role, Role),
    ) -> Result<(), DeskError> {
        if from == to {
            return Ok(());
        }
        let mut tx = self.db.write().await?;
        let staff = other(&mut tx, acting, id).await?;
        if !store::set_role(&mut tx, id, (from, to)).await? {
            return Err(DeskError::Changed);
        }
        let entry = acting
            .entry(Action::StaffRoleChanged)
            .before(json!({"role": from.as_str()}))
            .after(json!({"role": to.as_str()}));
        self.finish(tx, &staff, entry).await
    }

    /// Closes an account.
    ///
    /// # Errors
    /// [`DeskError::OwnAccount`], [`DeskError::LastAdmin`], [`DeskError::Changed`].
    pub async fn close_account(&self, acting: &Acting, id: Uuid) -> Result<(), DeskError> {
        let mut tx = self.db.write().await?;
        let staff = other(&mut tx, acting, id).await?;
        if !store::disable(&mut tx, id, self.clock.now()).await? {
            return Err(DeskError::Changed);
        }
        self.finish(tx, &staff, acting.entry(Action::StaffDisabled)).await
    }

    /// Opens an account again.
    ///
    /// # Errors
    /// [`DeskError::NotFound`], [`DeskError::Changed`].
    pub async fn open_account(&self, acting: &Acting, id: Uuid) -> Result<(), DeskError> {
        let mut tx = self.db.write().await?;
        let staff = store::find(&mut tx, id).await?.ok_or(DeskError::NotFound)?;
        if !store::enable(&mut tx, id).await? {
            return Err(DeskError::Changed);
        }
        self.finish(tx, &staff, acting.entry(Action::StaffEnabled)).await
    }

    /// Ends the sessions of `staff`, writes the act down, and commits.
    async fn finish(&self, mut tx: Tx, staff: &Staff, entry: Entry) -> Result<(), DeskError> {
        let (owner, now) = ((Realm::Staff, staff.id), self.clock.now());
        let ended = sessions::end_all(&mut tx, owner, EndReason::AccountChanged, now).await?;
        audit::append(&mut tx, &self.audit_key, &entry.on("staff", staff.id)).await?;
        tx.commit().await?;
        self.tokens.revocations().add(ended);
        Ok(())
    }
}

/// The account `id`, which is not that of whoever acts, and not the last admin's.
async fn other(tx: &mut Tx, acting: &Acting, id: Uuid) -> Result<Staff, DeskError> {
    if id == acting.staff.id {
        return Err(DeskError::OwnAccount);
    }
    let admins = store::count_admins(tx).await?;
    let staff = store::find(tx, id).await?.ok_or(DeskError::NotFound)?;
    if staff.is_open_admin() && admins < 2 {
        return Err(DeskError::LastAdmin);
    }
    Ok(staff)
}
