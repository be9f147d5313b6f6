//! A database file that is deleted or replaced while the process has it open: what would be lost is
//! refused, and it is said which file it is.

use std::{fs, path::Path};

use serde_json::json;

use crate::server::{Server, add_site, pressgate, run, sqlite_url};

/// A service that has counted some reads; and what does away with a file of its.
async fn displace(name: &str, away: impl FnOnce(&Path)) -> (tempfile::TempDir, Server, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let key = add_site(&url);
    let server = Server::start(pressgate(&url, &[]));
    assert_eq!(server.status("/health/ready").await, Some(200));
    let file = folder.path().join(name);
    assert!(file.exists(), "{}", file.display());
    away(&file);
    (folder, server, key)
}

async fn says_so(server: &Server, folder: &Path, name: &str) {
    server.eventually_says("/health/ready", 503).await;
    assert_eq!(server.status("/health/live").await, Some(200));
    let path = folder.join(name).display().to_string();
    assert!(server.log().contains(&format!("{path} was deleted or replaced")), "{}", server.log());
}

fn delete(file: &Path) {
    fs::remove_file(file).unwrap();
}

/// As a restored backup does.
fn replace(file: &Path) {
    let copy = file.with_extension("copy");
    fs::copy(file, &copy).unwrap();
    fs::rename(copy, file).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_meters_file_no_read_is_answered_that_would_be_lost() {
    for (name, away) in [
        ("p.meter.db", delete as fn(&Path)),
        ("p.meter.db", replace),
        ("p.meter.db-wal", delete),
        ("p.meter.db-shm", delete),
    ] {
        let (folder, server, key) = displace(name, away).await;
        let site = server.speaker(&key);
        let visitor = site.visitor().await;
        for i in 0..10 {
            let (status, answer) = site.read(&format!("a{i}"), &visitor).await.unwrap();
            assert_eq!((status, answer["code"].as_str()), (503, Some("meter_unavailable")));
        }
        says_so(&server, folder.path(), name).await;
        if name == "p.meter.db" && !folder.path().join(name).exists() {
            let doctor = run(&sqlite_url(folder.path()), &["doctor"]);
            let found = String::from_utf8_lossy(&doctor.stdout).into_owned();
            assert!(!doctor.status.success(), "{found}");
            assert!(found.contains("p.meter.db"), "{found}");
            assert!(!folder.path().join(name).exists(), "looking makes no file");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_main_file_nothing_is_promised_that_would_be_lost() {
    for (name, away) in [("p.db", delete as fn(&Path)), ("p.db", replace), ("p.db-wal", delete)] {
        let (folder, server, key) = displace(name, away).await;
        let body = json!({"email": "a@example.com", "password": "a-long-enough-passphrase"});
        let (status, answer) = server.speaker(&key).post("/v1/readers", &body).await.unwrap();
        assert_eq!((status, answer["code"].as_str()), (503, Some("database_unavailable")));
        says_so(&server, folder.path(), name).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_put_back_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let key = add_site(&url);
    let server = Server::start(pressgate(&url, &[]));
    let site = server.speaker(&key);
    let visitor = site.visitor().await;
    assert_eq!(site.read("a", &visitor).await.unwrap().0, 200);
    let (file, elsewhere) = (folder.path().join("p.meter.db"), folder.path().join("moved"));
    fs::rename(&file, &elsewhere).unwrap();
    assert_eq!(site.read("b", &visitor).await.unwrap().0, 503);
    server.eventually_says("/health/ready", 503).await;
    fs::rename(&elsewhere, &file).unwrap();
    server.eventually_says("/health/ready", 200).await;
    assert_eq!(site.read("c", &visitor).await.unwrap().1["reason"], "metered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_asks_the_service_that_runs() {
    let (folder, server, _key) = displace("p.meter.db", replace).await;
    server.eventually_says("/health/ready", 503).await;
    let listen = [("PRESSGATE__SERVER__LISTEN", server.address())];
    let doctor = pressgate(&sqlite_url(folder.path()), &listen).arg("doctor").output().unwrap();
    let found = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(!doctor.status.success(), "{found}");
    let expected = "the service that runs is not ready: the file of the meter's store was deleted";
    assert!(found.contains(expected), "{found}");
}
