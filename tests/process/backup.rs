//! The restore drill: a backup taken under load, restored elsewhere, and served from there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use serde_json::Value;

use crate::{
    server::{Server, Speaker, add_site, pressgate, run, run_json, sqlite_url},
    staff,
    support::PostgresDatabase,
};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn refused(output: &Output) -> String {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// An installation with a site, some audited staff and some counted reads, and a backup of it.
struct Drill {
    folder: tempfile::TempDir,
    url: String,
    backup: PathBuf,
}

impl Drill {
    fn begin() -> (Self, String) {
        let folder = tempfile::tempdir().unwrap();
        let url = sqlite_url(folder.path());
        let key = add_site(&url);
        let viewer = ["--role", "viewer"];
        succeeded(&staff::add(&url, &[], "vera@news.example", &viewer, b"four unrelated words"));
        let backup = folder.path().join("backup.tar.gz");
        (Self { folder, url, backup }, key)
    }

    /// The address of a database in an empty folder.
    fn elsewhere(&self, name: &str) -> String {
        sqlite_url(&self.folder.path().join(name))
    }

    /// Restores the backup, packed again after `change` had its way with what is in it.
    fn restore_changed(&self, name: &str, change: impl Fn(&Path)) -> (Output, PathBuf) {
        let folder = self.folder.path().join(format!("{name}-unpacked"));
        fs::create_dir(&folder).unwrap();
        tar(&["-xzf", text(&self.backup), "-C", text(&folder)]);
        change(&folder);
        let changed = self.folder.path().join(format!("{name}.tar.gz"));
        let names = ["manifest.json", "main.db", "main.meter.db"];
        tar(&[&["-czf", text(&changed), "-C", text(&folder)][..], &names].concat());
        let target = self.folder.path().join(name);
        (run(&sqlite_url(&target), &["restore", text(&changed)]), target.join("p.db"))
    }
}

fn tar(arguments: &[&str]) {
    assert!(Command::new("tar").args(arguments).status().unwrap().success());
}

/// Reads one new article after another until told to stop; how many were answered.
async fn read_on(site: Speaker, visitor: Value, stop: Arc<AtomicBool>, seen: Arc<AtomicUsize>) {
    for i in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let (status, _) = site.read(&format!("a{i}"), &visitor).await.unwrap();
        assert_eq!(status, 200, "reads go on during a backup");
        seen.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_restored_and_served() {
    let (drill, key) = Drill::begin();
    let mut server = Server::start(pressgate(&drill.url, &[]));
    let site = server.speaker(&key);
    let visitor = site.visitor().await;
    let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let reading = read_on(site.clone(), visitor.clone(), Arc::clone(&stop), Arc::clone(&seen));
    let reader = tokio::spawn(reading);
    while seen.load(Ordering::SeqCst) < 20 {
        tokio::task::yield_now().await;
    }

    let before = seen.load(Ordering::SeqCst);
    let (url, file) = (drill.url.clone(), drill.backup.clone());
    let backing_up =
        tokio::task::spawn_blocking(move || run_json(&url, &["backup", text(&file), "--json"]));
    let backup = backing_up.await.unwrap();
    let after = seen.load(Ordering::SeqCst);
    stop.store(true, Ordering::SeqCst);
    reader.await.unwrap();
    server.kill();
    assert_eq!((&backup["format"], &backup["encrypted"]), (&1.into(), &false.into()));
    let mode = fs::metadata(&drill.backup).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o077, 0);

    let url = drill.elsewhere("restored");
    let restored = run_json(&url, &["restore", text(&drill.backup), "--json"]);
    assert_eq!(restored["faults"], serde_json::json!([]));
    assert_eq!(restored["files"], backup["files"]);
    assert!(restored["audit_entries"].as_i64().unwrap() > 0, "{restored}");
    succeeded(&run(&url, &["audit", "verify"]));

    let again = Server::start(pressgate(&url, &[]));
    let site = again.speaker(&key);
    let used = usize::try_from(site.used(&visitor).await).unwrap();
    assert!((before..=after + 1).contains(&used), "{before} <= {used} <= {after} + 1");
    let articles: Vec<String> = (0..used).map(|i| format!("a{i}")).collect();
    let reasons = site.reasons(&visitor, &articles).await;
    assert!(reasons.iter().all(|reason| reason == "already_read"), "the first ones, without gaps");
}

#[test]
fn nothing_is_overwritten_and_every_refusal_says_why() {
    let (drill, _) = Drill::begin();
    let file = text(&drill.backup);
    let said = succeeded(&run(&drill.url, &["backup", file]));
    assert!(said.contains("2 databases") && said.contains("not encrypted"), "{said}");

    assert!(refused(&run(&drill.url, &["backup", file])).contains("exists already"));
    assert!(refused(&run(&drill.url, &["restore", file])).contains("exists already"));
    let nothing = drill.elsewhere("nothing");
    let missing = drill.folder.path().join("other.tar.gz");
    assert!(refused(&run(&nothing, &["backup", text(&missing)])).contains("does not exist"));
    let recipient = ["backup", text(&missing), "--recipient", "somebody"];
    assert!(refused(&run(&drill.url, &recipient)).contains("age recipient"));
    assert!(!missing.exists());
    let leftovers = fs::read_dir(drill.folder.path()).unwrap().map(|it| it.unwrap().file_name());
    let leftovers: Vec<_> = leftovers.filter(|it| it.to_str().unwrap().starts_with('.')).collect();
    assert!(leftovers.is_empty(), "{leftovers:?}");

    let rubbish = drill.folder.path().join("rubbish");
    fs::write(&rubbish, "not a backup").unwrap();
    assert!(refused(&run(&nothing, &["restore", text(&rubbish)])).contains("not a usable backup"));
    let mut cut = fs::read(&drill.backup).unwrap();
    cut.truncate(cut.len() / 2);
    fs::write(&rubbish, &cut).unwrap();
    assert!(refused(&run(&nothing, &["restore", text(&rubbish)])).contains("not a usable backup"));

    let postgres = "postgres://user@127.0.0.1:1/name";
    for command in ["backup", "restore"] {
        assert!(refused(&run(postgres, &[command, file])).contains("docs/backup.md"));
    }
}

#[test]
fn what_was_changed_in_a_backup_is_found() {
    let (drill, _) = Drill::begin();
    succeeded(&run(&drill.url, &["backup", text(&drill.backup)]));

    let (unchanged, target) = drill.restore_changed("as-it-was", |_| {});
    succeeded(&unchanged);
    assert!(target.exists());

    let (damaged, target) = drill.restore_changed("damaged", |folder| {
        let mut bytes = fs::read(folder.join("main.db")).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(folder.join("main.db"), bytes).unwrap();
    });
    assert!(refused(&damaged).contains("main.db is damaged"));
    assert!(!target.exists(), "nothing was restored");

    // One who can write a manifest that fits still lacks the key of the audit log.
    let (forged, target) = drill.restore_changed("forged", |folder| {
        let database = folder.join("main.db");
        sqlite(
            &database,
            "DROP TRIGGER audit_log_is_not_deleted;
             DELETE FROM audit_log WHERE seq = (SELECT MAX(seq) FROM audit_log);",
        );
        rewrite_manifest(folder, &database);
    });
    let said = refused(&forged);
    assert!(said.contains("the audit log does not verify"), "{said}");
    assert!(said.contains("table audit_log should have"), "{said}");
    assert!(!target.exists(), "nothing was restored");
}

/// The length and checksum of a changed database, but the old counts of rows.
fn rewrite_manifest(folder: &Path, database: &Path) {
    let path = folder.join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let sum = Command::new("sha256sum").arg(database).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    manifest["files"][0]["sha256"] = sum.split_whitespace().next().unwrap().into();
    manifest["files"][0]["bytes"] = fs::metadata(database).unwrap().len().into();
    fs::write(&path, manifest.to_string()).unwrap();
}

fn sqlite(database: &Path, sql: &str) {
    let program = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); \
                   c.commit()";
    let done = Command::new("python3").args(["-c", program, text(database), sql]).status().unwrap();
    assert!(done.success());
}

/// The reference implementation of age reads what is written here, and the other way round.
#[test]
fn an_encrypted_backup_opens_only_with_its_identity() {
    let (drill, _) = Drill::begin();
    let identity = drill.folder.path().join("identity.txt");
    let made = Command::new("age-keygen").args(["-o", text(&identity)]).output().unwrap();
    assert!(made.status.success());
    let recipient = Command::new("age-keygen").args(["-y", text(&identity)]).output().unwrap();
    let recipient = String::from_utf8(recipient.stdout).unwrap();
    let file = text(&drill.backup);
    let said = succeeded(&run(&drill.url, &["backup", file, "--recipient", recipient.trim()]));
    assert!(said.contains("(encrypted)"), "{said}");

    let url = drill.elsewhere("restored");
    assert!(refused(&run(&url, &["restore", file])).contains("--identity"));
    let other = drill.folder.path().join("other.txt");
    Command::new("age-keygen").args(["-o", text(&other)]).output().unwrap();
    let wrong = run(&url, &["restore", file, "--identity", text(&other)]);
    assert!(refused(&wrong).contains("cannot be decrypted"));
    succeeded(&run(&url, &["restore", file, "--identity", text(&identity)]));

    let plain = drill.folder.path().join("plain.tar.gz");
    let decrypt = ["--decrypt", "-i", text(&identity), "-o", text(&plain), file];
    assert!(Command::new("age").args(decrypt).status().unwrap().success());
    tar(&["-tzf", text(&plain)]);
}

/// The commands of `docs/backup.md`, word by word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_is_backed_up_and_restored_as_the_docs_say() {
    let (source, target) = (PostgresDatabase::create().await, PostgresDatabase::create().await);
    let key = add_site(&source.url);
    let mut server = Server::start(pressgate(&source.url, &[]));
    let site = server.speaker(&key);
    let visitor = site.visitor().await;
    site.read("a", &visitor).await.unwrap();
    server.kill();

    let docs = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/backup.md")).unwrap();
    let script =
        docs.split("<!-- tested -->\n```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", script]).current_dir(folder.path());
    shell.env("DATABASE_URL", &source.url).env("NEW_DATABASE_URL", &target.url);
    shell.env("PATH", format!("{}:{}", postgres_tools(), std::env::var("PATH").unwrap()));
    let done = shell.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));

    succeeded(&run(&target.url, &["audit", "verify"]));
    let again = Server::start(pressgate(&target.url, &[]));
    assert_eq!(again.speaker(&key).used(&visitor).await, 1);
    drop(again);
    source.drop().await;
    target.drop().await;
}

/// The folder of the server's own tools, which may not be in `PATH`.
fn postgres_tools() -> String {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().map(Result::unwrap);
    let newest = versions.map(|version| version.path().join("bin")).max();
    newest.map_or_else(String::new, |folder| folder.display().to_string())
}
