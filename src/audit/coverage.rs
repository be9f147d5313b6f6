//! Rows that cannot have come about without an entry of the log: accounts of staff, what was given
//! away, refunds that staff decided. One without its entry means that entries are gone, or that it
//! was written past the service.

use std::collections::HashSet;

use uuid::Uuid;

use super::model::Record;
use crate::db::{StoreError, Tx};

const PAGE: i64 = 500;
/// Most rows that are named.
const NAMED_MAX: usize = 20;

/// What the log says, as far as rows must have it.
#[derive(Debug, Default)]
pub struct Coverage {
    /// Actor and target of each entry.
    done: HashSet<(String, String)>,
    /// Staff who offered a gift, whose reader had no account yet.
    offered: HashSet<String>,
    staff: HashSet<String>,
}

impl Coverage {
    /// Takes an entry of the log.
    pub fn take(&mut self, record: &Record) {
        let actor = record
            .actor_id
            .as_ref()
            .map_or_else(|| record.actor_kind.clone(), |id| format!("{}:{id}", record.actor_kind));
        let Some(id) = record.target_id.clone() else { return };
        let subject = record.action.split('.').next().unwrap_or_default();
        match (record.action.as_str(), subject) {
            ("staff.added", _) => {
                self.staff.insert(id);
            }
            ("gift.offered", _) => {
                self.offered.insert(actor);
            }
            ("reader.complimentary", _) | (_, "subscription" | "refund") => {
                self.done.insert((actor, id));
            }
            _ => {}
        }
    }

    fn has(&self, actor: &str, target: Uuid) -> bool {
        self.done.contains(&(actor.to_owned(), target.to_string()))
    }

    /// The rows without an entry, in words; the first 20.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn missing(&self, tx: &mut Tx) -> Result<Vec<String>, StoreError> {
        let mut missing = Vec::new();
        let sql = "SELECT id FROM staff WHERE id > $1 ORDER BY id LIMIT $2";
        let mut after = Uuid::nil();
        loop {
            let page: Vec<(Uuid,)> = tx.query(sql).bind(after).bind(PAGE).all().await?;
            let Some((last,)) = page.last() else { break };
            after = *last;
            let unknown = page.iter().filter(|(id,)| !self.staff.contains(&id.to_string()));
            missing.extend(unknown.map(|(id,)| format!("staff {id}: no `staff.added`")));
        }
        let sql = "SELECT id, given_by, reader_id FROM grants WHERE id > $1 ORDER BY id LIMIT $2";
        let mut after = Uuid::nil();
        loop {
            let page: Vec<(Uuid, String, Uuid)> =
                tx.query(sql).bind(after).bind(PAGE).all().await?;
            let Some((last, ..)) = page.last() else { break };
            after = *last;
            let unknown = page
                .iter()
                .filter(|(_, by, reader)| !self.offered.contains(by) && !self.has(by, *reader));
            let told = |(id, by, _): &(Uuid, String, Uuid)| {
                format!("grants {id}: nothing says that {by} gave it")
            };
            missing.extend(unknown.map(told));
        }
        let sql = "SELECT id, decided_by, subscription_id FROM refunds
                   WHERE id > $1 AND decided_by IS NOT NULL ORDER BY id LIMIT $2";
        let mut after = Uuid::nil();
        loop {
            let page: Vec<(Uuid, Uuid, Uuid)> = tx.query(sql).bind(after).bind(PAGE).all().await?;
            let Some((last, ..)) = page.last() else { break };
            after = *last;
            let unknown = page.iter().filter(|(_, by, of)| !self.has(&format!("staff:{by}"), *of));
            let told = |(id, by, _): &(Uuid, Uuid, Uuid)| {
                format!("refunds {id}: nothing says that staff:{by} decided it")
            };
            missing.extend(unknown.map(told));
        }
        missing.truncate(NAMED_MAX);
        Ok(missing)
    }
}
