//! A log that cannot be written costs log lines, and nothing else.

use std::{
    fs::File,
    io::Read,
    process::{Command, Stdio},
};

use crate::server::{Server, add_site, pressgate, pressgate_after, sqlite_url};

/// Less than a pipe holds that is not read, whatever is left over at the ends of its pages.
const PIPE: usize = 56 * 1024;
/// Every statement and every connection is a line.
const TALKATIVE: (&str, &str) = ("PRESSGATE__LOG__LEVEL", "trace");

/// Reads are counted, health is answered, and it stops when asked, although nothing takes a line.
async fn serves_and_stops(mut server: Server, key: &str) {
    let site = server.speaker(key);
    let visitor = site.visitor().await;
    let mut read = 0;
    while read < 600 {
        let (status, answer) = site.read(&format!("a{read}"), &visitor).await.unwrap();
        assert_eq!((status, answer["reason"].as_str()), (200, Some("metered")), "{answer}");
        read += 1;
    }
    assert_eq!(server.status("/health/live").await, Some(200));
    assert_eq!(server.status("/health/ready").await, Some(200));
    assert_eq!(site.used(&visitor).await, read);
    server.terminate();
    assert_eq!(server.ended().await.code(), Some(0));
}

fn site_at(folder: &tempfile::TempDir) -> (Command, String) {
    let url = sqlite_url(folder.path());
    let key = add_site(&url);
    (pressgate(&url, &[TALKATIVE]), key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reader_of_the_log_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (command, key) = site_at(&folder);
    let mut server = Server::start_with_log_to(command, Stdio::piped()).await;
    drop(server.take_log_pipe());
    server.eventually("lines are dropped", async |it| it.dropped_lines().await > 0).await;
    serves_and_stops(server, &key).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_of_the_log_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let (command, key) = site_at(&folder);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let server = Server::start_with_log_to(command, full.into()).await;
    server.eventually("lines are dropped", async |it| it.dropped_lines().await > 0).await;
    serves_and_stops(server, &key).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reader_of_the_log_has_stalled() {
    let folder = tempfile::tempdir().unwrap();
    let (command, key) = site_at(&folder);
    let mut server = Server::start_with_log_to(command, Stdio::piped()).await;
    // Open, and not read.
    let mut pipe = server.take_log_pipe();
    serves_and_stops(server, &key).await;
    let mut log = Vec::new();
    pipe.read_to_end(&mut log).unwrap();
    assert!(log.len() >= PIPE, "{} bytes do not fill a pipe", log.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_any_output_it_serves() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let key = add_site(&url);
    let command = pressgate_after("exec 1>&- 2>&-", &url);
    let mut server = Server::start_with_log_to(command, Stdio::null()).await;
    let site = server.speaker(&key);
    let visitor = site.visitor().await;
    assert_eq!(site.read("a", &visitor).await.unwrap().0, 200);
    server.terminate();
    assert_eq!(server.ended().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_gets_no_colours_and_the_version_first() {
    let folder = tempfile::tempdir().unwrap();
    let text = [("PRESSGATE__LOG__FORMAT", "text")];
    let command = pressgate(&sqlite_url(folder.path()), &text);
    let mut server = Server::start_with_log_to(command, Stdio::piped()).await;
    let mut pipe = server.take_log_pipe();
    server.terminate();
    assert_eq!(server.ended().await.code(), Some(0));
    let mut log = String::new();
    pipe.read_to_string(&mut log).unwrap();
    assert!(!log.contains('\u{1b}'), "{log}");
    let first = log.lines().next().unwrap();
    let version = format!("pressgate {} starts", env!("CARGO_PKG_VERSION"));
    assert!(first.contains(&version), "{first}");
}
