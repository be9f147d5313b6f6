//! `kill -9` in the middle of load: a read that was answered has been counted, for good.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::Value;

use crate::{
    server::{Server, Speaker, add_site, pressgate, sqlite_url},
    support::PostgresDatabase,
};

const READERS: usize = 8;

/// One reader's reads until the process was gone.
struct Story {
    visitor: Value,
    answered: Vec<String>,
}

/// Reads one new article after another until there is no answer.
async fn read_on(site: Speaker, reader: usize, answers: Arc<AtomicUsize>) -> Story {
    let visitor = site.visitor().await;
    let mut answered = Vec::new();
    for i in 0.. {
        let article = format!("{reader}-{i}");
        let Ok((status, answer)) = site.read(&article, &visitor).await else { break };
        assert_eq!((status, answer["reason"].as_str()), (200, Some("metered")), "{answer}");
        answered.push(article);
        answers.fetch_add(1, Ordering::SeqCst);
    }
    Story { visitor, answered }
}

/// Kills a process once it has answered `after` reads, starts another, and asks what it knows.
async fn kill_after(url: &str, key: &str, after: usize) {
    let mut server = Server::start(pressgate(url, &[]));
    let answers = Arc::new(AtomicUsize::new(0));
    let readers: Vec<_> = (0..READERS)
        .map(|reader| tokio::spawn(read_on(server.speaker(key), reader, Arc::clone(&answers))))
        .collect();
    while answers.load(Ordering::SeqCst) < after {
        assert!(!readers.iter().any(tokio::task::JoinHandle::is_finished), "nobody stops early");
        tokio::task::yield_now().await;
    }
    server.kill();

    let again = Server::start(pressgate(url, &[]));
    let site = again.speaker(key);
    let mut all = 0;
    for reader in readers {
        let Story { visitor, answered } = reader.await.unwrap();
        all += answered.len();
        let reasons = site.reasons(&visitor, &answered).await;
        let lost: Vec<_> =
            answered.iter().zip(&reasons).filter(|(_, r)| *r != "already_read").collect();
        assert!(lost.is_empty(), "answered and then forgotten: {lost:?}");
        // At most the one read in flight was counted without an answer.
        let used = usize::try_from(site.used(&visitor).await).unwrap();
        assert!((answered.len()..=answered.len() + 1).contains(&used), "{used}");
    }
    assert!(all >= after);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answered_read_is_lost_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let key = add_site(&url);
    for after in [1, 77, 200, 411, 900] {
        kill_after(&url, &key, after).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answered_read_is_lost_on_postgres() {
    let database = PostgresDatabase::create().await;
    let key = add_site(&database.url);
    kill_after(&database.url, &key, 300).await;
    database.drop().await;
}
