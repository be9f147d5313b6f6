//! Kept filters in the database.

use uuid::Uuid;

use super::views::View;
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
};

#[derive(sqlx::FromRow)]
struct ViewRow {
    id: Uuid,
    name: String,
    query: String,
    created_at: Timestamp,
}

impl From<ViewRow> for View {
    fn from(ViewRow { id, name, query, created_at }: ViewRow) -> Self {
        Self { id, name, query, created_at }
    }
}

/// Those of a member of staff, by their names; at most `most`.
pub(super) async fn list(tx: &mut Tx, staff: Uuid, most: i64) -> Result<Vec<View>, StoreError> {
    let rows = tx
        .query(
            "SELECT id, name, query, created_at FROM staff_views WHERE staff_id = $1
             ORDER BY name LIMIT $2",
        )
        .bind(staff)
        .bind(most)
        .all::<ViewRow>()
        .await?;
    Ok(rows.into_iter().map(View::from).collect())
}

/// Keeps one, in place of another of its name. Says no where there are `most` already.
pub(super) async fn keep(
    tx: &mut Tx,
    staff: Uuid,
    view: &View,
    most: i64,
) -> Result<bool, StoreError> {
    // Whoever keeps another at the same time waits here.
    tx.query("UPDATE staff SET id = id WHERE id = $1").bind(staff).execute().await?;
    let kept = tx
        .query(
            "INSERT INTO staff_views (id, staff_id, name, query, created_at)
             SELECT $1, $2, $3, $4, $5
             WHERE (SELECT COUNT(*) FROM staff_views WHERE staff_id = $2 AND name <> $3) < $6
             ON CONFLICT (staff_id, name)
             DO UPDATE SET id = excluded.id, query = excluded.query, created_at = excluded.created_at",
        )
        .bind(view.id)
        .bind(staff)
        .bind(view.name.clone())
        .bind(view.query.clone())
        .bind(view.created_at)
        .bind(most)
        .execute()
        .await?;
    Ok(kept > 0)
}

/// Forgets one; says whether it was there.
pub(super) async fn forget(tx: &mut Tx, staff: Uuid, id: Uuid) -> Result<bool, StoreError> {
    let gone = tx
        .query("DELETE FROM staff_views WHERE staff_id = $1 AND id = $2")
        .bind(staff)
        .bind(id)
        .execute()
        .await?;
    Ok(gone > 0)
}
