//! A disk that is full: what cannot be kept is refused, not lost, and goes on when there is room
//! again, without a restart.

use serde_json::json;

use crate::server::{Server, add_site, pressgate, pressgate_after, sqlite_url};

/// Files may have 400 KiB; the signal that would end the process is ignored, so that a write
/// fails as it does on a full disk.
pub(crate) const LITTLE_ROOM: &str = "trap '' XFSZ; ulimit -S -f 800";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_counts_and_recovers_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let key = add_site(&url);
    let mut server = Server::start(pressgate_after(LITTLE_ROOM, &url));
    let site = server.speaker(&key);
    let visitor = site.visitor().await;

    let mut answered = Vec::new();
    let refused = loop {
        let article = format!("a{}", answered.len());
        let (status, answer) = site.read(&article, &visitor).await.unwrap();
        if status != 200 {
            assert_eq!((status, answer["code"].as_str()), (503, Some("meter_unavailable")));
            break article;
        }
        assert_eq!(answer["reason"], "metered");
        answered.push(article);
        assert!(answered.len() < 1_000, "the disk never filled");
    };
    assert!(!answered.is_empty());
    // From then on, until there is room again.
    for i in 0..100 {
        let (status, _) = site.read(&format!("later-{i}"), &visitor).await.unwrap();
        assert_eq!(status, 503);
    }
    // Warnings that repeat are sampled.
    assert!(server.log().matches("meter_unavailable").count() < 80, "{}", server.log());
    assert!(server.metric("pressgate_log_lines_suppressed_total").await > 0);
    server.eventually_says("/health/ready", 503).await;
    assert_eq!(server.status("/health/live").await, Some(200));
    let reasons = site.reasons(&visitor, &answered).await;
    assert!(reasons.iter().all(|reason| reason == "already_read"), "what was counted is known");

    server.allow_files_of_any_size();
    server.eventually_says("/health/ready", 200).await;
    let count = u64::try_from(answered.len()).unwrap();
    assert_eq!(site.used(&visitor).await, count, "what was refused was not counted");
    let (status, answer) = site.read(&refused, &visitor).await.unwrap();
    assert_eq!((status, answer["reason"].as_str()), (200, Some("metered")));

    server.kill();
    let again = Server::start(pressgate(&url, &[]));
    assert_eq!(again.speaker(&key).used(&visitor).await, count + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_the_main_database_only_while_it_lasts() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let key = add_site(&url);
    let server = Server::start(pressgate_after(LITTLE_ROOM, &url));
    let site = server.speaker(&key);
    let mut signed_up = 0;
    let mut sign_up = async || {
        signed_up += 1;
        let body = json!({
            "email": format!("reader-{signed_up}@example.com"),
            "password": "a-long-enough-passphrase",
        });
        let (status, answer) = site.post("/v1/readers", &body).await.unwrap();
        (status, answer["code"].as_str().map(str::to_owned))
    };
    let refused = loop {
        let answer = sign_up().await;
        if answer.0 != 202 {
            break answer;
        }
    };
    let unavailable = (503, Some("database_unavailable".to_owned()));
    assert_eq!(refused, unavailable);
    // The one connection that writes is refused by the disk each time, and by nothing else.
    for _ in 0..20 {
        assert_eq!(sign_up().await, unavailable);
    }
    assert!(!server.log().contains("transaction depth"), "{}", server.log());
    server.eventually_says("/health/ready", 503).await;
    assert_eq!(server.status("/health/live").await, Some(200));

    server.allow_files_of_any_size();
    server.eventually_says("/health/ready", 200).await;
    assert_eq!(sign_up().await, (202, None));
}
