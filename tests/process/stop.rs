//! Being asked to stop, in the middle of load.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::Value;

use crate::server::{Server, Speaker, add_site, pressgate, sqlite_url};

/// Reads new articles until the process takes no more; what was answered, and how it ended.
async fn read_on(
    site: Speaker,
    reader: usize,
    answers: Arc<AtomicUsize>,
) -> (Value, Vec<String>, reqwest::Error) {
    let visitor = site.visitor().await;
    let mut answered = Vec::new();
    loop {
        let article = format!("{reader}-{}", answered.len());
        match site.read(&article, &visitor).await {
            Ok((status, answer)) => assert_eq!(status, 200, "{answer}"),
            Err(refused) => return (visitor, answered, refused),
        }
        answered.push(article);
        answers.fetch_add(1, Ordering::SeqCst);
    }
}

async fn until(answers: &AtomicUsize, count: usize) {
    while answers.load(Ordering::SeqCst) < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_is_answered_or_never_taken() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let key = add_site(&url);
    let delay = [("PRESSGATE__SERVER__DRAIN_DELAY_SECS", "1")];
    let mut server = Server::start(pressgate(&url, &delay));
    let answers = Arc::new(AtomicUsize::new(0));
    let readers: Vec<_> = (0..8)
        .map(|reader| tokio::spawn(read_on(server.speaker(&key), reader, Arc::clone(&answers))))
        .collect();
    until(&answers, 100).await;
    server.terminate();
    // A load balancer sees it first, while readers are still served.
    server.eventually_says("/health/ready", 503).await;
    assert_eq!(server.status("/health/live").await, Some(200));
    let so_far = answers.load(Ordering::SeqCst);
    until(&answers, so_far + 20).await;
    assert_eq!(server.ended().await.code(), Some(0));

    let again = Server::start(pressgate(&url, &[]));
    let site = again.speaker(&key);
    for reader in readers {
        let (visitor, answered, end) = reader.await.unwrap();
        assert!(!end.is_body() && !end.is_decode(), "an answer was cut off: {end:?}");
        assert!(!end.is_timeout(), "a request was left hanging: {end:?}");
        let reasons = site.reasons(&visitor, &answered).await;
        assert!(reasons.iter().all(|reason| reason == "already_read"));
    }
}

#[tokio::test]
async fn an_idle_process_stops_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(pressgate(&sqlite_url(folder.path()), &[]));
    server.eventually_says("/health/ready", 200).await;
    server.terminate();
    assert_eq!(server.ended().await.code(), Some(0));
    let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name());
    let left: Vec<String> = files.map(|name| name.into_string().unwrap()).collect();
    assert!(!left.iter().any(|name| name.ends_with("-wal")), "folded into the file: {left:?}");
}
