//! The audit log put back to an older state, as a whole: found by its anchors, and by rows that must
//! have an entry. Files of anchors that are gone or cut are missed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::{
    server::{Server, pressgate, sqlite_url},
    support::PostgresDatabase,
};

/// An installation that anchors its log.
struct Installation {
    folder: TempDir,
    url: String,
    postgres: Option<PostgresDatabase>,
}

impl Installation {
    fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { url: sqlite_url(folder.path()), folder, postgres: None }.migrated()
    }

    async fn on_postgres() -> Self {
        let postgres = PostgresDatabase::create().await;
        let (folder, url) = (tempfile::tempdir().unwrap(), postgres.url.clone());
        Self { folder, url, postgres: Some(postgres) }.migrated()
    }

    fn migrated(self) -> Self {
        printed(&self.run(&["migrate"]));
        self
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("anchors")
    }

    fn command(&self) -> Command {
        let settings = [
            ("PRESSGATE__AUDIT__ANCHOR_FILE", self.file().to_str().unwrap().to_owned()),
            ("PRESSGATE__AUDIT__ANCHOR_EVERY_SECS", "1".to_owned()),
        ];
        let mut command = pressgate(&self.url, &[]);
        command.envs(settings);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    fn rotate(&self, times: usize) {
        for _ in 0..times {
            printed(&self.run(&["keys", "rotate"]));
        }
    }

    /// Changes the database past the service.
    async fn behind(&self, sql: &str) {
        let script = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        if self.postgres.is_some() {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            script.execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        } else {
            let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
            script.execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }

    async fn unguard(&self) {
        self.behind(match self.postgres {
            None => "DROP TRIGGER audit_log_is_not_deleted; DROP TRIGGER audit_log_is_not_changed;",
            Some(_) => "DROP TRIGGER audit_log_only_grows ON audit_log",
        })
        .await;
    }

    async fn empty_the_log(&self) {
        let zero = match self.postgres {
            None => "zeroblob(32)",
            Some(_) => "decode(repeat('00', 32), 'hex')",
        };
        let sql = format!(
            "DELETE FROM audit_log; UPDATE audit_head SET seq = 0, hash = {zero}, seal = {zero}"
        );
        self.behind(&sql).await;
    }

    async fn end(self) {
        if let Some(postgres) = self.postgres {
            postgres.drop().await;
        }
    }
}

fn refused(output: &Output) -> String {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The newest entries deleted and the head of that time put back; others in their place; all gone.
async fn attacks(it: &Installation) {
    it.rotate(3);
    // The head of an older state is as genuine as the last one was.
    it.behind("CREATE TABLE kept AS SELECT * FROM audit_head").await;
    it.rotate(2);
    let whole = printed(&it.run(&["audit", "verify"]));
    assert!(whole.contains("5 anchors agree, the newest at entry 5."), "{whole}");

    it.unguard().await;
    it.behind(
        "DELETE FROM audit_log WHERE seq > 3;
         UPDATE audit_head SET seq = (SELECT seq FROM kept), hash = (SELECT hash FROM kept),
                               seal = (SELECT seal FROM kept);
         DROP TABLE kept",
    )
    .await;
    let file = it.file();
    let alone = pressgate(&it.url, &[]).args(["audit", "verify"]).output().unwrap();
    assert!(printed(&alone).starts_with("3 entries, unbroken"), "nothing else shows it");
    let found = refused(&it.run(&["audit", "verify"]));
    assert!(found.contains("the log has 3 entries, but had 5 at"), "{found}");
    let given = ["audit", "verify", "--anchors", file.to_str().unwrap()];
    let found = refused(&pressgate(&it.url, &[]).args(given).output().unwrap());
    assert!(found.contains("the log has 3 entries, but had 5 at"), "{found}");

    // What is written afterwards does not hide it, and is not anchored.
    it.rotate(3);
    let found = refused(&it.run(&["audit", "verify"]));
    assert!(found.contains("is not the one that was there"), "{found}");

    it.empty_the_log().await;
    let found = refused(&it.run(&["audit", "verify"]));
    assert!(found.contains("the log has 0 entries, but had"), "{found}");
    let doctor = it.run(&["doctor"]);
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("but had"), "{doctor:?}");
}

#[tokio::test]
async fn a_log_that_was_put_back_does_not_agree_with_its_anchors() {
    attacks(&Installation::on_sqlite()).await;
    let it = Installation::on_postgres().await;
    attacks(&it).await;
    it.end().await;
}

async fn forged_and_emptied(it: &Installation) {
    it.rotate(3);
    let genuine = fs::read_to_string(it.file()).unwrap();
    fs::write(it.file(), genuine.replace("\"seq\":3", "\"seq\":2")).unwrap();
    assert!(refused(&it.run(&["audit", "verify"])).contains("line 3: not an anchor"));

    // No anchors at all: an emptied log misses its staff.
    drop(Server::start(pressgate(&it.url, &[])));
    it.unguard().await;
    it.empty_the_log().await;
    let found = refused(&pressgate(&it.url, &[]).args(["audit", "verify"]).output().unwrap());
    assert!(found.contains("no `staff.added`"), "{found}");
}

#[tokio::test]
async fn a_forged_anchor_is_refused_and_an_emptied_log_misses_its_staff() {
    forged_and_emptied(&Installation::on_sqlite()).await;
    let it = Installation::on_postgres().await;
    forged_and_emptied(&it).await;
    it.end().await;
}

fn deleted_and_cut(it: &Installation) {
    assert!(printed(&it.run(&["audit", "verify"])).contains("0 entries"), "nothing to anchor yet");
    it.rotate(3);
    let whole = fs::read_to_string(it.file()).unwrap();
    let first = whole.lines().next().unwrap();
    for (content, complaint) in [
        (None, "is missing or empty, but had an anchor of entry 3"),
        (Some(""), "is missing or empty, but had an anchor of entry 3"),
        (Some(first), "ends with an anchor of entry 1, but had one of entry 3"),
    ] {
        match content {
            None => fs::remove_file(it.file()).unwrap(),
            Some(content) => fs::write(it.file(), content).unwrap(),
        }
        for arguments in [&["audit", "verify"][..], &["audit", "anchor"]] {
            let found = refused(&it.run(arguments));
            assert!(found.contains(complaint), "{arguments:?}: {found}");
        }
        let doctor = it.run(&["doctor"]);
        let report = String::from_utf8_lossy(&doctor.stdout).into_owned();
        assert!(!doctor.status.success() && report.contains(complaint), "{report}");
        // A command goes on, says so, and begins nothing that would hide it.
        let rotated = it.run(&["keys", "rotate"]);
        let said = String::from_utf8_lossy(&rotated.stderr);
        assert!(rotated.status.success() && said.contains("is not anchored"), "{said}");
        let now = fs::read_to_string(it.file()).ok();
        assert_eq!(now.as_deref(), content);
    }
    fs::write(it.file(), &whole).unwrap();
    let found = printed(&it.run(&["audit", "verify"]));
    assert!(found.contains("3 anchors agree, the newest at entry 3.\n3 newer entries"), "{found}");
    // A command about sites is anchored as every other.
    let add = ["site", "add", "news", "--name", "News", "--origin", "https://news.example"];
    printed(&it.run(&add));
    let found = printed(&it.run(&["audit", "verify"]));
    assert!(found.contains("4 anchors agree, the newest at entry 7."), "{found}");
    assert!(printed(&it.run(&["audit", "list"])).contains("site.added site news"));
}

#[tokio::test]
async fn a_file_of_anchors_that_was_deleted_or_cut_is_missed() {
    deleted_and_cut(&Installation::on_sqlite());
    let it = Installation::on_postgres().await;
    deleted_and_cut(&it);
    it.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_running_service_misses_its_file_of_anchors() {
    let it = Installation::on_sqlite();
    let server = Server::start(it.command());
    server.eventually("begins the file", async |_| it.file().exists()).await;
    let anchored = "pressgate_audit_anchored_timestamp_seconds";
    server.eventually("is anchored", async |it| it.metric(anchored).await > 0).await;
    let failures = "pressgate_audit_anchor_failures_total";
    assert_eq!(server.metric(failures).await, 0);

    let elsewhere = it.folder.path().join("elsewhere");
    fs::rename(it.file(), &elsewhere).unwrap();
    server.eventually("misses it", async |it| it.metric(failures).await > 0).await;
    assert!(server.log().contains("is missing or empty"), "{}", server.log());
    assert!(!it.file().exists());
    fs::rename(&elsewhere, it.file()).unwrap();
    let since = server.metric(anchored).await;
    server.eventually("goes on", async |it| it.metric(anchored).await > since).await;
    it.rotate(1);
    printed(&it.run(&["audit", "verify"]));
}

/// The commands of `docs/backup.md`, word by word, where an older copy of the database is used.
fn begin_anew(it: &Installation) {
    let found = refused(&it.run(&["audit", "verify"]));
    assert!(found.contains("an older copy of the database was restored"), "{found}");
    assert!(refused(&it.run(&["audit", "anchor", "--new-file"])).contains("move it away"));

    let docs = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/backup.md")).unwrap();
    let (_, script) = docs.split_once("<!-- tested: anchors -->\n```sh\n").unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", script.split("```").next().unwrap()]).current_dir(it.folder.path());
    shell.envs(it.command().get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("PRESSGATE__AUDIT__ANCHOR_FILE", "anchors");
    let programs = Path::new(env!("CARGO_BIN_EXE_pressgate")).parent().unwrap();
    shell.env("PATH", format!("{}:{}", programs.display(), std::env::var("PATH").unwrap()));
    let said = printed(&shell.output().unwrap());
    assert!(said.contains("anchors agree"), "{said}");

    let after = ["audit", "list", "--limit", "1"];
    assert!(printed(&it.run(&after)).contains("audit.anchors_begun"), "the log says so");
    let kept = fs::read_dir(it.folder.path()).unwrap().map(|it| it.unwrap().file_name());
    let kept = kept.filter(|name| name.to_string_lossy().starts_with("anchors-until-"));
    assert_eq!(kept.count(), 1, "the old file is kept");
}

#[tokio::test]
async fn a_new_file_of_anchors_begins_after_an_older_backup_was_restored() {
    let mut it = Installation::on_sqlite();
    it.rotate(2);
    let backup = it.folder.path().join("backup.tar.gz");
    let backup = backup.to_str().unwrap();
    printed(&it.run(&["backup", backup]));
    it.rotate(2);
    it.url = sqlite_url(&it.folder.path().join("restored"));
    let said = printed(&it.run(&["restore", backup]));
    assert!(said.contains("is not anchored") && said.contains("--new-file"), "{said}");
    begin_anew(&it);

    // A backup that is newer than the file is anchored at once.
    let newer = it.folder.path().join("newer.tar.gz");
    it.run(&["backup", newer.to_str().unwrap()]);
    it.url = sqlite_url(&it.folder.path().join("again"));
    let said = printed(&it.run(&["restore", newer.to_str().unwrap()]));
    assert!(!said.contains("is not anchored"), "{said}");

    let mut it = Installation::on_postgres().await;
    it.rotate(2);
    let older = it.postgres.as_ref().unwrap().copy().await;
    it.rotate(2);
    it.url.clone_from(&older.url);
    begin_anew(&it);
    older.drop().await;
    it.end().await;
}
