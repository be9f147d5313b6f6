//! How mails leave the outbox: through a real server, once each, and whatever goes wrong.

use std::time::Duration;

use pressgate::{
    clock::Clock,
    ids::Ids,
    language::Words,
    mail::{
        address::Address,
        letter::Letter,
        outbox::{self, LEASE, StoredMail},
        priority::Priority,
        recipient::Recipient,
        smtp::{Smtp, SmtpSettings, Tls},
        worker::{Counts, Exchange, Lane, Pace, RoundError, Worker},
    },
};
use serde_json::{Value, json};
use time::Duration as Span;

use crate::{app::TestApp, smtp::SmtpServer};

const LINK: &str = "https://pay.example/login/link?token=pgl_x";

/// Who sends mails for `t` through the server at `port`, from `from`, by the hand of a test.
pub(crate) fn worker_from(t: &TestApp, port: u16, from: &str) -> Worker {
    worker_with(
        t,
        from,
        &SmtpSettings {
            host: "127.0.0.1".to_owned(),
            port,
            tls: Tls::None,
            credentials: None,
            timeout: Duration::from_secs(20),
        },
    )
}

pub(crate) fn worker_with(t: &TestApp, from: &str, settings: &SmtpSettings) -> Worker {
    let from = Address::parse(from).unwrap();
    Worker {
        db: t.state.databases.main.clone(),
        clock: t.clock.clone(),
        smtp: Smtp::new(settings, (&from, "The Fathom"), "https://pay.example").unwrap().into(),
        ids: Ids::system().unwrap(),
        arrivals: t.state.accounts.mail.arrivals(),
        lane: Lane {
            least: Priority::Bulk,
            connections: 3,
            batch_max: 10,
            check: Duration::from_secs(1),
        },
        pace: Pace::new(0).into(),
        counts: Counts::default(),
        exchange: Exchange::default(),
    }
}

fn worker(t: &TestApp, server: &SmtpServer) -> Worker {
    worker_from(t, server.port, "news@pay.example")
}

pub(crate) async fn write(t: &TestApp, to: &str, letter: Letter) {
    let mut tx = t.state.databases.main.write().await.unwrap();
    let to = Recipient::new(&Address::parse(to).unwrap(), Words::default());
    let content = letter.content(&to.words);
    t.state.accounts.mail.enqueue(&mut tx, &to, content, t.clock.now()).unwrap();
    tx.commit().await.unwrap();
}

/// A letter that helps for a week.
pub(crate) async fn tell(t: &TestApp, to: &str) {
    write(t, to, Letter::PasswordChanged { at: t.clock.now() }).await;
}

pub(crate) async fn kept(t: &TestApp, to: &str) -> StoredMail {
    let mut tx = t.state.databases.main.read().await.unwrap();
    let to = Address::parse(to).unwrap();
    outbox::newest(&mut tx, Some(&to)).await.unwrap().remove(0)
}

/// Subject, number of attempts and reason of each mail that was given up.
async fn dead(t: &TestApp) -> Vec<(String, i64, String)> {
    let mut tx = t.state.databases.main.read().await.unwrap();
    let dead = outbox::list_dead(&mut tx).await.unwrap();
    dead.into_iter().map(|mail| (mail.subject, mail.attempts, mail.last_error.unwrap())).collect()
}

async fn revive(t: &TestApp, to: &str) -> bool {
    let id = kept(t, to).await.id;
    let mut tx = t.state.databases.main.write().await.unwrap();
    let revived = outbox::revive(&mut tx, id, t.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    revived
}

fn because(round: Result<usize, RoundError>) -> String {
    match round {
        Err(RoundError::Server(why)) => why,
        other => format!("{other:?}"),
    }
}

on_both_databases! {
    async fn what_a_reader_is_told_arrives_whole(t: TestApp) {
        let server = SmtpServer::start(&json!({}));
        let port = server.port.to_string();
        let sending = t.another_process_with(&[
            ("PRESSGATE__MAIL__TRANSPORT", "smtp"),
            ("PRESSGATE__MAIL__HOST", "127.0.0.1"),
            ("PRESSGATE__MAIL__PORT", &port),
            ("PRESSGATE__MAIL__TLS", "none"),
            ("PRESSGATE__MAIL__FROM_NAME", "Die Tägliche, \"Zürich\""),
            ("PRESSGATE__MAIL__FROM_ADDRESS", "news@bücher.example"),
        ]).await;
        let body = json!({"email": "Anna@Bücher.example", "password": "correct horse battery"});
        assert_eq!(sending.post("/v1/readers", body.to_string()).await.status, 202);
        server.eventually_has(1).await;

        let mail = server.mails().remove(0);
        let headers = &mail["headers"];
        assert_eq!(mail["mail_from"], "news@xn--bcher-kva.example");
        assert_eq!(mail["rcpt_to"], json!(["anna@xn--bcher-kva.example"]));
        let from = headers["from"].as_str().unwrap();
        assert_eq!(from, "\"Die Tägliche, \\\"Zürich\\\"\" <news@xn--bcher-kva.example>");
        assert_eq!(headers["to"], "anna@xn--bcher-kva.example");
        assert_eq!(headers["subject"], "Confirm your address");
        assert_eq!(headers["date"], "Mon, 23 Nov 2026 04:05:06 +0000", "by our clock");
        assert_eq!(headers["auto-submitted"], "auto-generated");
        let stored = kept(&t, "anna@bücher.example").await;
        assert_eq!(headers["message-id"], format!("<{}@127.0.0.1>", stored.id));
        assert_eq!((&mail["type"], &mail["is_ascii"]), (&json!("multipart/alternative"), &json!(true)));

        let text = mail["text"].as_str().unwrap().replace("\r\n", "\n");
        let link = text.lines().find(|line| line.starts_with("http://127.0.0.1:8080/")).unwrap();
        assert!(link.contains("?token=") && !link.contains(' '), "alone on its line: {text}");
        assert!(text.contains("-- \nDie Tägliche, \"Zürich\""), "{text:?}");
        let html = mail["html"].as_str().unwrap();
        assert!(html.contains(&format!("href=\"{link}\"")), "{html}");

        crate::app::eventually("it is noted", || async {
            kept(&t, "anna@bücher.example").await.body_text.is_empty()
        }).await;
        assert_eq!(kept(&t, "anna@bücher.example").await.body_html, "", "the link is forgotten");
        let metrics = sending.get("/metrics").await.text();
        assert!(metrics.contains("pressgate_mails_sent_total 1"), "{metrics}");
        sending.stop().await;
        assert_eq!(server.mails().len(), 1);
    }

    async fn a_mail_that_cannot_be_sent_holds_up_no_other(t: TestApp) {
        let server = SmtpServer::start(&json!({}));
        let worker = worker(&t, &server);
        for to in ["refused", "later", "a", "refused", "b", "c", "refused", "later", "d"] {
            tell(&t, &format!("{to}@example.org")).await;
        }
        assert_eq!(worker.send_due().await.unwrap(), 9);
        let sent = ["a", "b", "c", "d"].map(|to| format!("{to}@example.org"));
        assert_eq!(server.recipients(), sent);
        let given_up = ("Your password was changed".to_owned(), 1, "the server said 550 5.1.1".into());
        assert_eq!(dead(&t).await, vec![given_up; 3]);
        let counts = &worker.counts;
        assert_eq!((counts.sent.get(), counts.failed.get(), counts.dead.get()), (4, 5, 3));
        assert_eq!(kept(&t, "refused@example.org").await.attempts, 1);
        assert!(revive(&t, "refused@example.org").await, "staff may try it again");
        assert_eq!(worker.send_due().await.unwrap(), 1);
    }

    async fn a_server_that_says_not_now_is_asked_seven_times(t: TestApp) {
        let server = SmtpServer::start(&json!({}));
        let worker = worker(&t, &server);
        tell(&t, "later@example.org").await;
        assert_eq!(worker.send_due().await.unwrap(), 1);
        let waits = [1, 5, 30, 120, 360, 1_440].map(Span::minutes);
        for wait in waits {
            assert_eq!(dead(&t).await, []);
            t.clock.advance(wait - Span::MICROSECOND);
            assert_eq!(worker.send_due().await.unwrap(), 0, "not before {wait}");
            t.clock.advance(Span::MICROSECOND);
            assert_eq!(worker.send_due().await.unwrap(), 1, "after {wait}");
        }
        let subject = "Your password was changed".to_owned();
        assert_eq!(dead(&t).await, [(subject, 7, "the server said 451 4.2.1".into())]);
        t.clock.advance(Span::days(1));
        assert_eq!(worker.send_due().await.unwrap(), 0);
    }

    async fn no_mail_pays_for_a_server_that_cannot_be_used(t: TestApp) {
        let nobody = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        };
        tell(&t, "anna@example.org").await;
        let down = worker_from(&t, nobody, "news@pay.example");
        for _ in 0..20 {
            assert!(because(down.send_due().await).contains("refused"));
            t.clock.advance(Span::minutes(10));
        }
        let server = SmtpServer::start(&json!({}));
        let forbidden = worker_from(&t, server.port, "forbidden@pay.example");
        assert_eq!(because(forbidden.send_due().await), "the server said 553 5.7.1");

        let guarded = SmtpServer::start(&json!({"login": ["us", "right"]}));
        let as_us = |password: Option<&str>| {
            let credentials = password.map(|password| ("us".to_owned(), password.into()));
            let settings = SmtpSettings {
                host: "localhost".to_owned(),
                port: guarded.port,
                tls: Tls::None,
                credentials,
                timeout: Duration::from_secs(20),
            };
            worker_with(&t, "news@pay.example", &settings)
        };
        assert!(because(as_us(Some("wrong")).send_due().await).starts_with("the server said 535"));
        assert_eq!(because(as_us(None).send_due().await), "the server said 530 5.7.0");
        assert_eq!((kept(&t, "anna@example.org").await.attempts, dead(&t).await), (0, vec![]));
        assert_eq!(as_us(Some("right")).send_due().await.unwrap(), 1);
        assert_eq!(guarded.mails()[0]["login"], "us");
        assert!(server.mails().is_empty());

        tell(&t, "guarded@example.org").await;
        assert_eq!(because(worker(&t, &server).send_due().await), "the server said 530 5.7.0");
        assert_eq!(kept(&t, "guarded@example.org").await.attempts, 0);
    }

    async fn a_late_answer_is_not_taken_for_that_to_the_next_mail(t: TestApp) {
        let server = SmtpServer::start(&json!({}));
        let settings = SmtpSettings {
            host: "127.0.0.1".to_owned(),
            port: server.port,
            tls: Tls::None,
            credentials: None,
            timeout: Duration::from_secs(2),
        };
        let worker = worker_with(&t, "news@pay.example", &settings);
        tell(&t, "late@example.org").await;
        let sending = tokio::spawn(async move { worker.send_due().await.unwrap() });
        server.eventually_waits().await;
        tell(&t, "full@example.org").await;
        tell(&t, "a@example.org").await;
        assert_eq!(sending.await.unwrap(), 3, "one after the other");
        for to in ["late@example.org", "full@example.org"] {
            let mail = kept(&t, to).await;
            assert!(mail.attempts == 1 && !mail.body_text.is_empty(), "{to} is to be tried again");
        }
        assert!(server.recipients().contains(&"a@example.org".to_owned()));
    }

    async fn of_several_who_send_one_gets_each_mail(t: TestApp) {
        let server = SmtpServer::start(&json!({}));
        for i in 0..60 {
            tell(&t, &format!("reader-{i}@example.org")).await;
        }
        let others = [t.another_process().await, t.another_process().await];
        let workers: Vec<Worker> =
            others.iter().chain([&t]).map(|process| worker(process, &server)).collect();
        let rounds = workers.iter().map(Worker::send_due);
        let tried = futures_util::future::join_all(rounds).await;
        assert_eq!(tried.into_iter().map(Result::unwrap).sum::<usize>(), 60);
        let mut to = server.recipients();
        assert_eq!(to.len(), 60);
        to.dedup();
        assert_eq!(to.len(), 60, "each once");
    }

    async fn a_mail_whose_sender_died_is_sent_when_the_claim_is_over(t: TestApp) {
        let server = SmtpServer::start(&json!({}));
        let worker = worker(&t, &server);
        tell(&t, "anna@example.org").await;
        let mut tx = t.state.databases.main.write().await.unwrap();
        outbox::take_claim_lock(&mut tx);
        let claimed = outbox::claim_due(&mut tx, Priority::Bulk, t.clock.now(), 10).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(claimed.len(), 1, "and then the machine loses its power");
        t.clock.advance(LEASE - Span::MICROSECOND);
        assert_eq!(worker.send_due().await.unwrap(), 0);
        t.clock.advance(Span::MICROSECOND);
        assert_eq!(worker.send_due().await.unwrap(), 1);
        assert_eq!(server.mails().len(), 1);
    }

    async fn nobody_claims_a_mail_that_expired_a_moment_ago(t: TestApp) {
        tell(&t, "anna@example.org").await;
        t.clock.advance(Span::days(7));
        let mut tx = t.state.databases.main.write().await.unwrap();
        let (any, now) = (Priority::Bulk, t.clock.now());
        assert_eq!(outbox::count_due(&mut tx, any, now, 10).await.unwrap(), 0);
        assert!(outbox::claim_due(&mut tx, any, now, 10).await.unwrap().is_empty());
    }

    async fn no_link_is_sent_that_is_over(t: TestApp) {
        let server = SmtpServer::start(&json!({}));
        let worker = worker(&t, &server);
        write(&t, "early@example.org", Letter::LogIn { link: LINK.to_owned() }).await;
        t.clock.advance(Span::minutes(15) - Span::MICROSECOND);
        assert_eq!(worker.send_due().await.unwrap(), 1);
        write(&t, "late@example.org", Letter::LogIn { link: LINK.to_owned() }).await;
        write(&t, "day@example.org", Letter::ConfirmAddress { link: LINK.to_owned() }).await;
        t.clock.advance(Span::minutes(15));
        assert_eq!(worker.send_due().await.unwrap(), 1);
        assert_eq!(server.recipients(), ["day@example.org", "early@example.org"]);
        assert_eq!(dead(&t).await, [("Your link to log in".to_owned(), 0, "expired".to_owned())]);
        assert_eq!(kept(&t, "late@example.org").await.body_text, "", "the link is forgotten");
        assert!(!revive(&t, "late@example.org").await);
    }

    async fn a_mail_goes_out_with_its_reason_or_not_at_all(t: TestApp) {
        let server = SmtpServer::start(&json!({}));
        let to = Address::parse("anna@example.org").unwrap();
        let to = Recipient::new(&to, Words::default());
        let letter = Letter::PasswordChanged { at: t.clock.now() }.content(&to.words);
        let mut tx = t.state.databases.main.write().await.unwrap();
        t.state.accounts.mail.enqueue(&mut tx, &to, letter, t.clock.now()).unwrap();
        drop(tx);
        assert_eq!(worker(&t, &server).send_due().await.unwrap(), 0);
        assert_eq!(server.connections(), 0, "nobody is called for nothing");
        let mailbox = t.get("/sandbox/mail").await.json();
        assert_eq!(mailbox["messages"], Value::Array(Vec::new()));
    }
}
