//! The machine: room on its disks, files that may be open, and its clock.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

use rustix::fs::{StatVfsMountFlags, statvfs};
use time::Duration;

use super::report::Check;
use crate::{
    clock::SystemClock,
    clock_skew::{self, ClockSkew},
    config::Config,
    db::{DatabaseUrl, Db, StoreError},
    http::open_files,
};

const MIB: u64 = 1024 * 1024;
/// With less room than this, writes fail soon.
const ROOM_MIN: u64 = 100 * MIB;
/// With less room than this, it is time to make some.
const ROOM_LOW: u64 = 1024 * MIB;
/// Files that may still be created.
const FILES_LOW: u64 = 1_000;
/// Beyond this, instances soon judge the same token differently.
const SKEW_HIGH: Duration = Duration::seconds(30);

/// What a file system has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Room {
    bytes: u64,
    /// `None` where the file system does not count files.
    files: Option<u64>,
    is_read_only: bool,
}

/// Every folder in which the service writes.
fn folders(config: &Config) -> BTreeSet<PathBuf> {
    let database = match &config.database.url {
        DatabaseUrl::Sqlite(path) => Some(path.as_path()),
        DatabaseUrl::Postgres(_) => None,
    };
    let files = database.into_iter().chain(config.audit.anchor_file.as_deref());
    let folder = |file: &Path| match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    files.map(folder).collect()
}

/// Room in every folder in which the service writes.
pub(super) fn disk_space(config: &Config) -> Vec<Check> {
    folders(config).iter().map(|folder| judge_room(folder, room_in(folder))).collect()
}

fn room_in(folder: &Path) -> io::Result<Room> {
    let found = statvfs(folder)?;
    Ok(Room {
        bytes: found.f_bavail.saturating_mul(found.f_frsize),
        files: (found.f_files > 0).then_some(found.f_favail),
        is_read_only: found.f_flag.contains(StatVfsMountFlags::RDONLY),
    })
}

fn judge_room(folder: &Path, room: io::Result<Room>) -> Check {
    const NAME: &str = "disk_space";
    let folder = folder.display();
    let room = match room {
        Ok(room) => room,
        Err(error) => return Check::error(NAME, format!("the folder {folder}: {error}")),
    };
    let mib = room.bytes / MIB;
    if room.is_read_only {
        return Check::error(NAME, format!("{folder} is on a file system that takes no writes"));
    }
    if let Some(files) = room.files.filter(|files| *files < FILES_LOW) {
        return Check::error(NAME, format!("only {files} more files can be created in {folder}"));
    }
    match room.bytes {
        0..ROOM_MIN => Check::error(NAME, format!("{folder} has only {mib} MiB left: make room")),
        ROOM_MIN..ROOM_LOW => {
            Check::warning(NAME, format!("{folder} has only {mib} MiB left: make room"))
        }
        _ => Check::ok(NAME, format!("{folder} has {mib} MiB left")),
    }
}

/// What the service may open is known to itself alone; what this command may is mostly the same.
pub(super) fn open_files(config: &Config) -> Check {
    const NAME: &str = "open_files";
    let (wanted, most) = (config.server.connections_max, open_files::most());
    match open_files::connections(most, wanted, config.database.limits.connections_max) {
        Ok(connections) if connections == wanted => Check::ok(
            NAME,
            format!(
                "{most} files may be open, enough for {wanted} connections (server.connections_max)"
            ),
        ),
        Ok(connections) => Check::warning(
            NAME,
            format!(
                "{most} files may be open, enough for {connections} of {wanted} connections \
                 (server.connections_max): raise the limit (`LimitNOFILE=` of systemd, `--ulimit nofile=` \
                 of a container), or lower the setting"
            ),
        ),
        Err(error) => Check::error(NAME, error.to_string()),
    }
}

/// How far the clocks of this machine and of the database's are apart.
pub(super) async fn clock(db: &Db) -> Result<Check, StoreError> {
    Ok(judge_skew(clock_skew::measure(db, &SystemClock::default()).await?))
}

fn judge_skew(skew: Option<ClockSkew>) -> Check {
    const NAME: &str = "clock";
    let Some(skew) = skew else {
        return Check::ok(NAME, "the database goes by this machine's clock");
    };
    match skew.warning() {
        None => Check::ok(NAME, "the clocks of this machine and of the database agree"),
        Some(warning) if skew.ahead.abs() - skew.uncertainty > SKEW_HIGH => {
            Check::error(NAME, warning)
        }
        Some(warning) => Check::warning(NAME, warning),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::report::Severity;

    #[test]
    fn little_room_is_a_warning_and_hardly_any_an_error() {
        let room = |mib: u64| Room { bytes: mib * MIB, files: Some(5_000), is_read_only: false };
        for (room, severity) in [
            (Ok(room(5_000)), Severity::Ok),
            (Ok(room(1_024)), Severity::Ok),
            (Ok(room(1_023)), Severity::Warning),
            (Ok(room(100)), Severity::Warning),
            (Ok(room(99)), Severity::Error),
            (Ok(Room { files: None, ..room(5_000) }), Severity::Ok),
            (Ok(Room { files: Some(999), ..room(5_000) }), Severity::Error),
            (Ok(Room { is_read_only: true, ..room(5_000) }), Severity::Error),
            (Err(io::ErrorKind::NotFound.into()), Severity::Error),
        ] {
            let check = judge_room(Path::new("data"), room);
            assert_eq!(check.severity, severity, "{check:?}");
            assert!(check.message.contains("data"), "{check:?}");
        }
        assert!(room_in(Path::new(".")).unwrap().bytes > 0);
        assert!(room_in(Path::new("/there/is/none")).is_err());
    }

    #[test]
    fn clocks_apart_are_reported_by_how_far() {
        assert_eq!(judge_skew(None).severity, Severity::Ok);
        for (ahead, uncertainty, severity, way) in [
            (0, 0, Severity::Ok, ""),
            (4, 0, Severity::Ok, ""),
            (6, 0, Severity::Warning, "ahead of"),
            (-6, 0, Severity::Warning, "behind"),
            (-31, 0, Severity::Error, "behind"),
            // What a slow answer may explain is no skew.
            (6, 2, Severity::Ok, ""),
            (40, 2, Severity::Error, "ahead of"),
        ] {
            let [ahead, uncertainty] = [ahead, uncertainty].map(Duration::seconds);
            let check = judge_skew(Some(ClockSkew { ahead, uncertainty }));
            assert_eq!(check.severity, severity, "{check:?}");
            assert!(check.message.contains(way), "{check:?}");
        }
    }
}
