//! How the process ends while clients hold connections: ones that go on sending, ones that say
//! nothing, and ones that never finish what they began. And what signals do.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use crate::{
    kept::{Kept, Sent},
    server::{Server, add_site, pressgate, sqlite_url},
};

/// A free article, so that the database sets no pace.
fn read(key: &str) -> String {
    let body = r#"{"article": {"id": "a", "access": "free"}}"#;
    format!(
        "POST /v1/access HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Sends requests one after the other until none is taken any more; how many were answered, and how
/// many answers ended their connection.
async fn go_on(address: String, request: String, pause: Duration, sent: Arc<AtomicUsize>) -> usize {
    let mut client = Kept::new(&address);
    loop {
        match client.send(&request).await {
            Sent::Answered(status) => assert_eq!(status, 200),
            Sent::NotTaken => return client.closes,
            Sent::Broken(why) => panic!("{why}"),
        }
        sent.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(pause).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_keep_their_connections_lose_no_request() {
    for delay in ["0", "1"] {
        let folder = tempfile::tempdir().unwrap();
        let url = sqlite_url(folder.path());
        let key = add_site(&url);
        let settings = [("PRESSGATE__SERVER__DRAIN_DELAY_SECS", delay)];
        let mut server = Server::start(pressgate(&url, &settings));
        let sent = Arc::new(AtomicUsize::new(0));
        // Without a pause, and with ones that leave the connection idle for a while.
        let clients: Vec<_> = (0..16)
            .map(|i| {
                let pause = Duration::from_millis([0, 1, 20, 100][i % 4]);
                let (address, request) = (server.address().to_owned(), read(&key));
                tokio::spawn(go_on(address, request, pause, Arc::clone(&sent)))
            })
            .collect();
        while sent.load(Ordering::SeqCst) < 500 {
            tokio::task::yield_now().await;
        }
        server.terminate();
        assert_eq!(server.ended().await.code(), Some(0));
        for client in clients {
            let closes = client.await.unwrap();
            assert!(closes > 0, "no answer said that the connection ends, delay {delay}");
        }
        assert!(!server.log().contains("cut off"), "{}", server.log());
    }
}

/// A connection on which `bytes` were sent, and which the service has accepted.
async fn opened(server: &Server, bytes: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn what_never_arrives_whole_does_not_hold_up_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let key = add_site(&url);
    let settings = [
        ("PRESSGATE__SERVER__HEADER_TIMEOUT_SECS", "120"),
        ("PRESSGATE__SERVER__DRAIN_TIMEOUT_SECS", "300"),
    ];
    let mut server = Server::start(pressgate(&url, &settings));
    let whole = read(&key);
    let alive = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut idle = opened(&server, alive).await;
    let mut kept = opened(&server, alive).await;
    for stream in [&mut idle, &mut kept] {
        stream.read_exact(&mut [0; 12]).await.unwrap();
    }
    kept.write_all(b"POST /v1/access HTTP/1.1\r\nHost:").await.unwrap();
    let _silent = opened(&server, "").await;
    let _half_a_header = opened(&server, "POST /v1/access HTTP/1.1\r\nHost: x\r\nX-Slow:").await;
    let _half_a_body = opened(&server, &whole[..whole.len() - 10]).await;
    // Everything above was accepted before this one.
    server.eventually_says("/health/ready", 200).await;

    let asked = Instant::now();
    server.terminate();
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.expect("an idle connection is closed cleanly");
    assert_eq!(server.ended().await.code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_request_whose_last_bytes_come_late_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let key = add_site(&url);
    let mut server = Server::start(pressgate(&url, &[]));
    let whole = read(&key);
    let mut ends = Vec::new();
    // In the middle of the header, and of the body.
    for at in [30, whole.len() - 10] {
        ends.push((opened(&server, &whole[..at]).await, &whole[at..]));
    }
    server.eventually_says("/health/ready", 200).await;
    server.terminate();
    while TcpStream::connect(server.address()).await.is_ok() {
        tokio::task::yield_now().await;
    }
    for (stream, rest) in &mut ends {
        stream.write_all(rest.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let head = answer.to_ascii_lowercase();
        assert!(
            head.starts_with("http/1.1 200 ") && head.contains("connection: close"),
            "{answer}"
        );
    }
    assert_eq!(server.ended().await.code(), Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("PRESSGATE__SERVER__DRAIN_DELAY_SECS", "120")];
    for (first, second) in [("TERM", "TERM"), ("INT", "INT"), ("TERM", "INT")] {
        let mut server = Server::start(pressgate(&sqlite_url(folder.path()), &settings));
        server.signal(first);
        server.eventually_says("/health/ready", 503).await;
        server.signal(second);
        let status = server.ended().await;
        assert_eq!(status.code(), Some(1), "{first}, {second}");
        assert!(server.log().contains("asked to stop twice"), "{}", server.log());
    }
}

#[tokio::test]
async fn hanging_up_does_not_end_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(pressgate(&sqlite_url(folder.path()), &[]));
    for _ in 0..3 {
        server.signal("HUP");
    }
    let said = async |server: &Server| server.log().contains("SIGHUP is ignored");
    server.eventually("it says so", said).await;
    assert_eq!(server.status("/health/ready").await, Some(200));
    server.terminate();
    assert_eq!(server.ended().await.code(), Some(0));
}
