//! Connections of a real process: what unfinished ones cost, and how many the operating system lets it have.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::server::{Server, pressgate, pressgate_with_files, sqlite_url};

/// As many, and as long, as an attack used.
const UNFINISHED: usize = 200;
const HEADER: usize = 390_000;
/// What one of them may cost, in KiB: its 40 KiB twice, for a buffer grows by doubling, and a little more.
const EACH_KIB: u64 = 96;

#[tokio::test]
async fn headers_that_never_end_do_not_pile_up() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(pressgate(&sqlite_url(folder.path()), &[]));
    server.eventually_says("/health/ready", 200).await;
    let before = server.resident_kib();
    for length in [39_000, HEADER] {
        let mut open = Vec::new();
        for _ in 0..UNFINISHED {
            let mut stream = TcpStream::connect(server.address()).await.unwrap();
            let header = format!("GET / HTTP/1.1\r\nHost: x\r\nCookie: {}", "c".repeat(length));
            // Where it is refused, the rest is of no use to anybody.
            let _ = stream.write_all(header.as_bytes()).await;
            open.push(stream);
        }
        // The service still answers, and so has read what it will.
        server.eventually_says("/health/ready", 200).await;
        let cost = server.resident_kib().saturating_sub(before);
        let most = u64::try_from(UNFINISHED).unwrap() * EACH_KIB;
        assert!(cost < most, "{UNFINISHED} headers of {length} bytes cost {cost} KiB");
        let refused = length > 40 * 1024;
        if refused {
            let mut answer = Vec::new();
            let _ = open[0].read_to_end(&mut answer).await;
            let answer = String::from_utf8_lossy(&answer).into_owned();
            assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
        }
    }
}

#[tokio::test]
async fn the_limit_of_open_files_is_raised_as_far_as_it_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(pressgate_with_files((150, 15_000), &sqlite_url(folder.path())));
    let limit = server.limit_of("Max open files");
    let limits: Vec<&str> = limit.split_whitespace().skip(3).take(2).collect();
    assert_eq!(limits, ["15000", "15000"]);
    assert!(!server.log().contains("connections_max"), "{}", server.log());
}

#[tokio::test]
async fn where_files_are_few_fewer_connections_are_taken_and_the_rest_wait() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let server = Server::start(pressgate_with_files((150, 150), &url));
    let log = server.log();
    let said = log.lines().find(|line| line.contains("server.connections_max is 10000"));
    let said = said.unwrap_or_else(|| panic!("{log}"));
    assert!(
        said.contains("only 150 files open") && said.contains("it takes 26 connections"),
        "{said}"
    );
    // Thirty are opened, 26 are taken; the databases still have the files that they need.
    let mut open = Vec::new();
    for _ in 0..30 {
        open.push(TcpStream::connect(server.address()).await.unwrap());
    }
    let mut first = open.remove(0);
    let request = b"GET /health/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    first.write_all(request).await.unwrap();
    let mut answer = String::new();
    first.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    drop(open);
    server.eventually_says("/health/ready", 200).await;
    assert!(!server.log().contains("could not be accepted"), "{}", server.log());
}

#[tokio::test]
async fn with_hardly_any_files_it_does_not_start_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let refused = pressgate_with_files((100, 100), &url).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("may have only 100 files open, and needs 140"), "{said}");
    assert!(said.contains("LimitNOFILE="), "{said}");
}

#[tokio::test]
async fn doctor_says_how_many_connections_there_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    drop(Server::start(pressgate(&url, &[])));
    for (files, starts, rest) in [
        (12_000, "well", "12000 files may be open, enough for 10000 connections"),
        (1_024, "warning", "1024 files may be open, enough for 900 of 10000 connections"),
    ] {
        let mut doctor = pressgate_with_files((files, files), &url);
        let output = doctor.arg("doctor").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = said.lines().find(|line| line.contains("files may be open")).unwrap();
        assert!(line.starts_with(starts) && line.contains(rest), "{line}");
        assert!(output.status.success(), "{said}");
    }
}
