//! Files that other users of the machine cannot open, whatever the umask.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Output,
};

use crate::server::{Server, add_site, pressgate, pressgate_after, run, sqlite_url};

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Every file in `folder`, by its name, that others can open.
fn open_files(folder: &Path) -> Vec<(String, u32)> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let modes = files.map(|file| (file.file_name().unwrap().to_owned(), mode_of(&file)));
    let open = modes.filter(|(_, mode)| mode & 0o077 != 0);
    open.map(|(name, mode)| (name.into_string().unwrap(), mode)).collect()
}

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_installation_is_open_to_its_owner_alone() {
    for umask in ["umask 000", "umask 022"] {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("new/data");
        let url = sqlite_url(&folder);
        let server = Server::start(pressgate_after(umask, &url));
        let key = crate::server::run_json(&url, &["site", "key", "demo", "--json"]);
        let speaker = server.speaker(key["secret_key"].as_str().unwrap());
        let visitor = speaker.visitor().await;
        assert_eq!(speaker.read("a", &visitor).await.unwrap().0, 200);
        let names: Vec<String> = fs::read_dir(&folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        for name in ["p.db", "p.db-wal", "p.db-shm", "p.meter.db", "p.meter.db-wal"] {
            assert!(names.iter().any(|it| it == name), "{name} of {names:?}");
        }
        assert_eq!(open_files(&folder), [], "{umask}");
        assert_eq!((mode_of(&folder), mode_of(&place.path().join("new"))), (0o700, 0o700));
    }
}

#[test]
fn the_default_folder_is_closed_and_another_is_left_to_its_owner() {
    let place = tempfile::tempdir().unwrap();
    for (folder, expected) in [("data", 0o700), ("shared", 0o755)] {
        let folder = place.path().join(folder);
        fs::create_dir(&folder).unwrap();
        set(&folder, 0o755);
        let url = format!("sqlite://{}/p.db", folder.file_name().unwrap().to_str().unwrap());
        let migrated = pressgate(&url, &[]).current_dir(&place).arg("migrate").output().unwrap();
        assert!(migrated.status.success());
        assert_eq!(mode_of(&folder), expected, "{}", folder.display());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_installation_is_reported_and_closed_at_the_next_start() {
    let place = tempfile::tempdir().unwrap();
    let url = sqlite_url(place.path());
    add_site(&url);
    drop(Server::start(pressgate(&url, &[])));
    let all = || fs::read_dir(place.path()).unwrap().map(|file| file.unwrap().path());
    all().for_each(|file| set(&file, 0o644));
    set(place.path(), 0o755);

    let report = run(&url, &["doctor"]);
    assert!(!report.status.success());
    let report = printed(&report);
    for line in [
        "UNWELL  other users of this machine can open ",
        "p.db (mode 644)",
        "p.meter.db-wal (mode 644)",
        "p.migrate.lock (mode 644)",
        "warning other users of this machine can open the folder ",
    ] {
        assert!(report.contains(line), "{line}: {report}");
    }
    assert!(!open_files(place.path()).is_empty(), "the doctor changes nothing");

    let server = Server::start(pressgate(&url, &[]));
    assert_eq!(open_files(place.path()), []);
    assert_eq!(mode_of(place.path()), 0o755, "a folder that was there is its owner's to change");
    assert!(server.log().contains("could be opened by other users"), "{}", server.log());
    drop(server);
    let report = run(&url, &["doctor"]);
    assert!(report.status.success(), "a folder alone is a warning: {}", printed(&report));
    set(place.path(), 0o777);
    assert!(!run(&url, &["doctor"]).status.success(), "others may replace what is in it");
}

#[test]
fn a_link_is_not_followed_to_change_what_it_leads_to() {
    let place = tempfile::tempdir().unwrap();
    let (real, linked) = (place.path().join("real"), place.path().join("linked"));
    fs::create_dir(&real).unwrap();
    fs::create_dir(&linked).unwrap();
    set(&linked, 0o700);
    assert!(run(&sqlite_url(&real), &["migrate"]).status.success());
    set(&real.join("p.db"), 0o644);
    symlink(real.join("p.db"), linked.join("p.db")).unwrap();
    let url = sqlite_url(&linked);
    assert!(run(&url, &["migrate"]).status.success());
    assert_eq!(mode_of(&real.join("p.db")), 0o644);
    let report = printed(&run(&url, &["doctor"]));
    assert!(report.contains("real/p.db (mode 644)"), "{report}");
}

#[test]
fn a_configuration_file_with_secrets_is_reported() {
    let place = tempfile::tempdir().unwrap();
    let url = sqlite_url(place.path());
    assert!(run(&url, &["migrate"]).status.success());
    drop(run(&url, &["keys", "rotate"]));
    let file = place.path().join("pressgate.toml");
    let doctor = |content: &str, mode: u32| {
        fs::write(&file, content).unwrap();
        set(&file, mode);
        let mut command = pressgate(&url, &[("PRESSGATE_CONFIG", file.to_str().unwrap())]);
        printed(&command.arg("doctor").output().unwrap())
    };
    let secret = "[mail]\npassword = \"only the mail server knows\"\n";
    for (mode, is_reported) in [(0o644, true), (0o660, true), (0o640, false), (0o600, false)] {
        let report = doctor(secret, mode);
        let found = report.contains("pressgate.toml (mode") && report.contains("mail.password");
        assert_eq!(found, is_reported, "{mode:o}: {report}");
        assert!(!report.contains("only the mail server"), "{report}");
    }
    let report = doctor("[log]\nlevel = \"warn\"\n", 0o644);
    assert!(!report.contains("pressgate.toml"), "no secret is in it: {report}");
}

#[test]
fn a_file_that_a_command_writes_is_its_owners_alone() {
    let place = tempfile::tempdir().unwrap();
    let log = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/access.log.gz");
    let chart = place.path().join("limits.svg");
    let url = sqlite_url(place.path());
    let mut command = pressgate_after("umask 000", &url);
    command.args(["meter", "replay", log, "--svg", chart.to_str().unwrap()]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(mode_of(&chart), 0o600);
}
