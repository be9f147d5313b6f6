//! One address or one site that asks for far more than its share, and what others notice of it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinHandle,
};

use crate::{
    kept::{Kept, Sent, connect_from},
    server::{Server, add_site, pressgate, sqlite_url},
};

/// A request of the site with this key, about an article that is free or counted.
fn read(key: &str, access: &str) -> String {
    let body = format!(r#"{{"article": {{"id": "a", "access": "{access}"}}}}"#);
    format!(
        "POST /v1/access HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

const DEMO: &str = "sk_sandbox_demo";
const START_PAGE: &str = "GET / HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n";

/// Sends `count` requests one after the other; how many were not answered 200.
async fn refused_of(client: &mut Kept, request: &str, count: usize) -> usize {
    let mut refused = 0;
    for _ in 0..count {
        match client.send(request).await {
            Sent::Answered(200) => {}
            Sent::Answered(503) => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    refused
}

/// Sends bodies that never end, a byte at a time, from an address of its own; notes how each ended.
async fn crawl(address: String, stop: Arc<AtomicBool>, ends: Arc<Mutex<Vec<String>>>) {
    let head = "POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                Content-Length: 60000\r\n\r\n{";
    while !stop.load(Ordering::SeqCst) {
        let Ok(mut stream) = connect_from("127.0.0.2", &address).await else { continue };
        let (mut answer, mut writes) =
            (Vec::new(), stream.write_all(head.as_bytes()).await.is_ok());
        while !stop.load(Ordering::SeqCst) {
            let said =
                tokio::time::timeout(Duration::from_millis(100), stream.read_buf(&mut answer));
            if said.await.is_ok() {
                break;
            }
            writes = writes && stream.write_all(b" ").await.is_ok();
        }
        let status = String::from_utf8_lossy(&answer).chars().skip(9).take(3).collect::<String>();
        ends.lock().unwrap().push(status);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_bodies_from_one_address_refuse_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("PRESSGATE__SERVER__REQUESTS_MAX", "16")];
    let server = Server::start(pressgate(&sqlite_url(folder.path()), &settings));
    let (stop, ends) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let crawlers: Vec<_> = (0..64)
        .map(|_| {
            let address = server.address().to_owned();
            tokio::spawn(crawl(address, Arc::clone(&stop), Arc::clone(&ends)))
        })
        .collect();
    server
        .eventually("some are refused", async |_: &Server| !ends.lock().unwrap().is_empty())
        .await;
    let [mut site, mut slow_site, mut reader] = [false, true, false].map(|in_two| {
        let mut client = Kept::new(server.address());
        client.in_two = in_two;
        client
    });
    for _ in 0..10 {
        assert_eq!(refused_of(&mut site, &read(DEMO, "free"), 20).await, 0);
        // One whose bodies come a moment after their heads.
        assert_eq!(refused_of(&mut slow_site, &read(DEMO, "free"), 20).await, 0);
        assert_eq!(refused_of(&mut reader, START_PAGE, 10).await, 0);
    }
    let given_up = async |_: &Server| ends.lock().unwrap().iter().any(|end| end == "408");
    server.eventually("a body that crawls is given up", given_up).await;
    stop.store(true, Ordering::SeqCst);
    for crawler in crawlers {
        crawler.await.unwrap();
    }
    let ends = ends.lock().unwrap();
    let known = |end: &&String| ["408", "503", ""].contains(&end.as_str());
    assert!(ends.iter().all(|end| known(&end)), "{ends:?}");
}

/// Sends request after request until it is stopped; counts answers of 200 and of 503.
fn crowd(
    address: &str,
    request: String,
    stop: &Arc<AtomicBool>,
    counts: &Arc<[AtomicUsize; 2]>,
) -> JoinHandle<()> {
    let (mut client, stop, counts) = (Kept::new(address), Arc::clone(stop), Arc::clone(counts));
    tokio::spawn(async move {
        while !stop.load(Ordering::SeqCst) {
            let place = match client.send(&request).await {
                Sent::Answered(200) => 0,
                Sent::Answered(503) => 1,
                other => panic!("{other:?}"),
            };
            counts[place].fetch_add(1, Ordering::SeqCst);
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_that_asks_for_everything_leaves_places_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let greedy = add_site(&url);
    let settings = [("PRESSGATE__SERVER__REQUESTS_MAX", "20")];
    let server = Server::start(pressgate(&url, &settings));
    let (stop, counts) = (Arc::new(AtomicBool::new(false)), Arc::<[AtomicUsize; 2]>::default());
    // Ten times as many at once as there are places, each a visitor who is counted.
    let crowds: Vec<_> = (0..200)
        .map(|_| crowd(server.address(), read(&greedy, "metered"), &stop, &counts))
        .collect();
    let is_refused = async |_: &Server| counts[1].load(Ordering::SeqCst) > 100;
    server.eventually("some of its requests are refused", is_refused).await;
    let mut other = Kept::new(server.address());
    assert_eq!(refused_of(&mut other, &read(DEMO, "free"), 40).await, 0);
    assert_eq!(refused_of(&mut other, START_PAGE, 20).await, 0);
    assert!(counts[0].load(Ordering::SeqCst) > 0, "the site is served all the while");
    stop.store(true, Ordering::SeqCst);
    for crowd in crowds {
        crowd.await.unwrap();
    }
    // Nothing of it is left.
    let mut again = Kept::new(server.address());
    assert_eq!(refused_of(&mut again, &read(&greedy, "free"), 1_000).await, 0);
}
