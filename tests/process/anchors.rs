//! The audit log put back to an older state, as a whole: found by its anchors, and by rows that must
//! have an entry.

use std::{path::Path, process::Output};

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::server::{pressgate, run, sqlite_url};

fn complaint(output: &Output) -> String {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

async fn behind(url: &str, sql: &str) {
    let mut connection = SqliteConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Three entries, each with its anchor.
fn rotated(url: &str, file: &Path) {
    for _ in 0..3 {
        let mut command =
            pressgate(url, &[("PRESSGATE__AUDIT__ANCHOR_FILE", file.to_str().unwrap())]);
        printed(&command.args(["keys", "rotate"]).output().unwrap());
    }
}

fn verify(url: &str, file: &Path) -> Output {
    run(url, &["audit", "verify", "--anchors", file.to_str().unwrap()])
}

const UNGUARD: &str =
    "DROP TRIGGER audit_log_is_not_deleted; DROP TRIGGER audit_log_is_not_changed;";

#[tokio::test]
async fn a_log_that_was_put_back_does_not_agree_with_its_anchors() {
    let place = tempfile::tempdir().unwrap();
    let (url, file) = (sqlite_url(place.path()), place.path().join("anchors"));
    printed(&run(&url, &["migrate"]));
    rotated(&url, &file);
    let whole = printed(&verify(&url, &file));
    assert!(whole.contains("3 anchors agree, the newest at entry 3."), "{whole}");

    // The head of an older state is as genuine as the last one was; a copy of it is kept first.
    let copy = place.path().join("older");
    behind(&url, &format!("VACUUM INTO '{}'", copy.display())).await;
    rotated(&url, &file);
    std::fs::remove_file(place.path().join("p.db-wal")).unwrap_or_default();
    std::fs::remove_file(place.path().join("p.db-shm")).unwrap_or_default();
    std::fs::rename(&copy, place.path().join("p.db")).unwrap();
    assert!(printed(&run(&url, &["audit", "verify"])).starts_with("3 entries, unbroken"));
    let found = complaint(&verify(&url, &file));
    assert!(found.contains("the log has 3 entries, but had 6 at"), "{found}");

    // The same by hand, to the empty log that it once was.
    let zero = "zeroblob(32)";
    let sql = format!(
        "{UNGUARD} DELETE FROM audit_log; UPDATE audit_head SET seq = 0, hash = {zero}, seal = {zero}"
    );
    behind(&url, &sql).await;
    let found = complaint(&verify(&url, &file));
    assert!(found.contains("the log has 0 entries, but had 6 at"), "{found}");
    // What is written afterwards does not hide it.
    for _ in 0..6 {
        printed(&run(&url, &["keys", "rotate"]));
    }
    let found = complaint(&verify(&url, &file));
    assert!(found.contains("is not the one that was there"), "{found}");
}

#[tokio::test]
async fn a_forged_anchor_is_refused_and_an_emptied_log_misses_its_staff() {
    let place = tempfile::tempdir().unwrap();
    let (url, file) = (sqlite_url(place.path()), place.path().join("anchors"));
    printed(&run(&url, &["migrate"]));
    rotated(&url, &file);
    let genuine = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, genuine.replace("\"seq\":3", "\"seq\":2")).unwrap();
    assert!(complaint(&verify(&url, &file)).contains("line 3: not an anchor"));

    drop(crate::server::Server::start(pressgate(&url, &[])));
    let sql = format!(
        "{UNGUARD} DELETE FROM audit_log;
         UPDATE audit_head SET seq = 0, hash = zeroblob(32), seal = zeroblob(32)"
    );
    behind(&url, &sql).await;
    let found = complaint(&run(&url, &["audit", "verify"]));
    assert!(found.contains("no `staff.added`"), "{found}");
}
