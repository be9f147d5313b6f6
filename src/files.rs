//! Files and folders that only the account of the service may open.
//!
//! Modes are given when a file is created, so the umask does not matter and there is no moment at
//! which it is open to others. SQLite gives its `-wal`, `-shm` and `-journal` the mode of the
//! database file.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Permissions of a folder: its owner alone.
pub const FOLDER_MODE: u32 = 0o700;
/// Permissions of a file: its owner alone.
pub const FILE_MODE: u32 = 0o600;
/// The bits by which everyone but the owner reads, writes or enters.
const OTHERS: u32 = 0o077;
/// What SQLite keeps next to a database file.
const SQLITE_SUFFIXES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Creates `folder`, and the folders above it that are missing.
///
/// # Errors
/// When it cannot be created.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)
}

/// Creates `file` if it does not exist, without opening one that does: closing a second handle on a
/// database file would drop the locks that SQLite holds on it in this process.
///
/// # Errors
/// When it cannot be created.
pub fn create_if_missing(file: &Path) -> io::Result<()> {
    match create_new(file) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        created => return created.map(drop),
    }
    match fs::metadata(file) {
        // A symbolic link to a file that is still to be created.
        Err(error) if error.kind() == ErrorKind::NotFound => open(file).map(drop),
        _ => Ok(()),
    }
}

/// Creates `file`, which must not exist.
///
/// # Errors
/// When it exists, or cannot be created.
pub fn create_new(file: &Path) -> io::Result<File> {
    options().create_new(true).open(file)
}

/// Opens `file` for writing; creates it if it does not exist.
///
/// # Errors
/// When it cannot be opened.
pub fn open(file: &Path) -> io::Result<File> {
    options().create(true).truncate(false).open(file)
}

/// Opens `file` for appending; creates it if it does not exist.
///
/// # Errors
/// When it cannot be opened.
pub fn append(file: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(file)
}

/// Writes `content` as the whole of `file`. A file that exists keeps its permissions: its owner
/// chose them, or it is no regular file at all.
///
/// # Errors
/// When it cannot be written.
pub fn write(file: &Path, content: impl AsRef<[u8]>) -> io::Result<()> {
    options().create(true).truncate(true).open(file)?.write_all(content.as_ref())
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(FILE_MODE);
    options
}

/// A database file and everything that is kept next to it, whether it exists or not.
#[must_use]
pub fn of_database(database: &Path) -> Vec<PathBuf> {
    let beside = SQLITE_SUFFIXES.iter().map(|suffix| {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    });
    let lock = lock_of(database);
    [database.to_owned()].into_iter().chain(beside).chain([lock]).collect()
}

/// The file by which processes take turns on a database.
#[must_use]
pub fn lock_of(database: &Path) -> PathBuf {
    database.with_extension("migrate.lock")
}

/// Takes the permissions of others away from `path`; gives those that it had, if there were any. A
/// symbolic link is left alone: where it leads may not be ours to change, and `doctor` reports it.
///
/// # Errors
/// When the permissions cannot be read or changed.
pub fn narrow(path: &Path) -> io::Result<Option<u32>> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        found => found?,
    };
    let mode = found.permissions().mode() & 0o7777;
    let wanted = if found.is_dir() { FOLDER_MODE } else { FILE_MODE };
    let is_closed = mode & OTHERS == 0;
    if is_closed || found.is_symlink() {
        return Ok(None);
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode & wanted))?;
    Ok(Some(mode))
}

/// The permissions of `path` if they let others in, by the bits of `others`. Symbolic links are
/// followed; what does not exist gives no access.
///
/// # Errors
/// When the permissions cannot be read.
pub fn open_to_others(path: &Path, others: u32) -> io::Result<Option<u32>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(found) => {
            let mode = found.permissions().mode() & 0o7777;
            Ok((mode & others != 0).then_some(mode))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode_of(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_is_created_is_its_owners_alone() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("a/b");
        create_folder(&folder).unwrap();
        assert_eq!((mode_of(&folder), mode_of(&place.path().join("a"))), (0o700, 0o700));
        let file = |name: &str| folder.join(name);
        create_if_missing(&file("created")).unwrap();
        open(&file("opened")).unwrap();
        append(&file("appended")).unwrap();
        write(&file("written"), "text").unwrap();
        for name in ["created", "opened", "appended", "written"] {
            assert_eq!(mode_of(&file(name)), 0o600, "{name}");
        }
    }

    #[test]
    fn an_existing_file_keeps_its_content_and_is_narrowed() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("p.db");
        write(&file, "text").unwrap();
        for (mode, kept) in [(0o644, 0o600), (0o666, 0o600), (0o640, 0o600), (0o444, 0o400)] {
            set(&file, mode);
            assert_eq!(narrow(&file).unwrap(), Some(mode));
            assert_eq!(mode_of(&file), kept, "{mode:o}");
            assert_eq!(narrow(&file).unwrap(), None, "nothing is left to do");
        }
        set(&file, 0o600);
        create_if_missing(&file).unwrap();
        open(&file).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "text");
        assert_eq!(narrow(&place.path().join("nothing")).unwrap(), None);
    }

    #[test]
    fn a_symbolic_link_is_reported_and_left_alone() {
        let place = tempfile::tempdir().unwrap();
        let (file, link) = (place.path().join("elsewhere"), place.path().join("p.db"));
        write(&file, "").unwrap();
        set(&file, 0o644);
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(narrow(&link).unwrap(), None);
        assert_eq!(mode_of(&file), 0o644);
        assert_eq!(open_to_others(&link, 0o077).unwrap(), Some(0o644));
        assert_eq!(open_to_others(&link, 0o022).unwrap(), None);
        assert_eq!(open_to_others(&place.path().join("nothing"), 0o077).unwrap(), None);
        create_if_missing(&link).unwrap();
        assert_eq!(mode_of(&file), 0o644, "what exists is not touched");
        fs::remove_file(&file).unwrap();
        create_if_missing(&link).unwrap();
        assert_eq!(mode_of(&file), 0o600);
    }

    #[test]
    fn a_database_is_more_than_one_file() {
        let names = of_database(Path::new("data/p.db"));
        let names: Vec<&str> = names.iter().filter_map(|name| name.to_str()).collect();
        let beside = ["data/p.db-wal", "data/p.db-shm", "data/p.db-journal"];
        assert_eq!(names, [&["data/p.db"], &beside[..], &["data/p.migrate.lock"]].concat());
    }
}
