//! Whether other users of the machine can open what the service keeps in files.

use std::path::{Path, PathBuf};

use crate::{
    config::Config,
    db::DatabaseUrl,
    files::{self, FILE_MODE, FOLDER_MODE},
};

/// Where a sandbox keeps its data if it is not told otherwise; ours even if it exists already.
const DEFAULT_FOLDER: &str = "data";
/// The bits by which everyone but the owner reads, writes or enters.
const OTHERS: u32 = 0o077;
/// The bits by which anyone changes a folder's content, and with it the files in it.
const WRITABLE: u32 = 0o022;
/// A configuration file may be shared with a group to read, as packages do.
const OTHERS_OF_CONFIG: u32 = 0o027;

/// Something that other users of the machine can open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposed {
    /// What it is and what may be done to it.
    pub what: String,
    /// How to mend it.
    pub remedy: String,
    /// Whether data or secrets are exposed; otherwise only names.
    pub is_serious: bool,
}

/// Takes the permissions of others away from the files of an existing installation. A folder is only
/// narrowed if it is the default one: another may be shared on purpose.
pub(super) fn narrow(url: &DatabaseUrl) {
    let folder = folder_of(url).filter(|folder| folder == Path::new(DEFAULT_FOLDER));
    for path in files_of(url).into_iter().chain(folder) {
        match files::narrow(&path) {
            Ok(None) => {}
            Ok(Some(mode)) => tracing::warn!(
                "{} could be opened by other users of this machine (mode {mode:o}); it no longer can",
                path.display()
            ),
            Err(error) => tracing::warn!(
                "{} can be opened by other users of this machine, and that cannot be changed: {error}",
                path.display()
            ),
        }
    }
}

/// Everything of the installation that is open to others, as it is now.
///
/// # Errors
/// When the permissions of a file cannot be read.
pub fn exposed(config: &Config) -> std::io::Result<Vec<Exposed>> {
    let url = &resolved(&config.database.url);
    let mut found = Vec::new();
    for path in files_of(url) {
        if let Some(mode) = files::open_to_others(&path, OTHERS)? {
            found.push(file(&path, mode));
        }
    }
    if let Some(folder) = folder_of(url)
        && let Some(mode) = files::open_to_others(&folder, OTHERS)?
    {
        found.push(Exposed {
            what: format!(
                "other users of this machine can open the folder {} (mode {mode:o})",
                folder.display()
            ),
            remedy: format!("chmod {FOLDER_MODE:o} {}", folder.display()),
            is_serious: mode & WRITABLE != 0,
        });
    }
    if let Some(config) = config.file.as_ref().filter(|file| !file.secrets.is_empty())
        && let Some(mode) = files::open_to_others(Path::new(&config.path), OTHERS_OF_CONFIG)?
    {
        found.push(Exposed {
            what: format!(
                "other users of this machine can open {} (mode {mode:o}), which holds {}",
                config.path,
                config.secrets.join(", ")
            ),
            remedy: format!("chmod {FILE_MODE:o} {}, and replace those secrets", config.path),
            is_serious: true,
        });
    }
    Ok(found)
}

fn file(path: &Path, mode: u32) -> Exposed {
    Exposed {
        what: format!("other users of this machine can open {} (mode {mode:o})", path.display()),
        remedy: format!("chmod {FILE_MODE:o} {}, or start the service, which does", path.display()),
        is_serious: true,
    }
}

fn folder_of(url: &DatabaseUrl) -> Option<PathBuf> {
    let DatabaseUrl::Sqlite(path) = url else { return None };
    let folder = path.parent()?;
    Some(if folder.as_os_str().is_empty() { ".".into() } else { folder.to_owned() })
}

/// The address with symbolic links followed: SQLite keeps its other files where they lead.
fn resolved(url: &DatabaseUrl) -> DatabaseUrl {
    match url {
        DatabaseUrl::Sqlite(path) => {
            DatabaseUrl::Sqlite(path.canonicalize().unwrap_or_else(|_| path.clone()))
        }
        DatabaseUrl::Postgres(_) => url.clone(),
    }
}

/// Both databases, with what SQLite keeps next to them.
fn files_of(url: &DatabaseUrl) -> Vec<PathBuf> {
    let DatabaseUrl::Sqlite(path) = url else { return Vec::new() };
    super::databases::sqlite_files(path).iter().flat_map(|path| files::of_database(path)).collect()
}
