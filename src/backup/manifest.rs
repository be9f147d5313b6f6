//! What a backup says about itself: its files, their checksums, and how many rows each table has.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// The format that this program writes and reads.
pub const FORMAT: u32 = 1;

/// The first entry of every backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The version of the program that made it.
    pub version: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The database files, in the order in which they follow.
    pub files: Vec<FileEntry>,
}

/// A database file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// `main.db` or `main.meter.db`.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// How many rows each table has.
    pub rows: BTreeMap<String, i64>,
}

impl FileEntry {
    /// Where the tables of a restored file differ from what was backed up, in words.
    #[must_use]
    pub fn differences(&self, found: &[(String, i64)]) -> Vec<String> {
        let found: BTreeMap<&str, i64> =
            found.iter().map(|(table, count)| (table.as_str(), *count)).collect();
        let missing = self.rows.iter().filter_map(|(table, &expected)| {
            let rows = found.get(table.as_str()).copied();
            (rows != Some(expected)).then(|| {
                let rows = rows.map_or("no such table".to_owned(), |rows| format!("{rows} rows"));
                format!("{}: table {table} should have {expected} rows, found {rows}", self.name)
            })
        });
        let unknown = found.keys().filter(|table| !self.rows.contains_key(**table));
        let unknown =
            unknown.map(|table| format!("{}: table {table} was not backed up", self.name));
        missing.chain(unknown).collect()
    }

    /// Rows of all tables.
    #[must_use]
    pub fn total_rows(&self) -> i64 {
        self.rows.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_in_rows_is_named() {
        let rows = BTreeMap::from([("readers".to_owned(), 3), ("sites".to_owned(), 1)]);
        let entry = FileEntry { name: "main.db".into(), bytes: 1, sha256: String::new(), rows };
        let found = |rows: &[(&str, i64)]| -> Vec<(String, i64)> {
            rows.iter().map(|(table, count)| ((*table).to_owned(), *count)).collect()
        };
        assert!(entry.differences(&found(&[("sites", 1), ("readers", 3)])).is_empty());
        assert_eq!(
            entry.differences(&found(&[("readers", 2), ("spies", 1)])),
            [
                "main.db: table readers should have 3 rows, found 2 rows",
                "main.db: table sites should have 1 rows, found no such table",
                "main.db: table spies was not backed up",
            ]
        );
    }
}
