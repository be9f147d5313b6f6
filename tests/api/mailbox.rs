//! The sandbox's mailbox: what a live service would have sent.

use pressgate::{
    clock::Clock,
    language::Words,
    mail::{address::Address, letter::Letter, recipient::Recipient},
};
use serde_json::{Value, json};
use time::Duration;

use crate::app::TestApp;

async fn write(t: &TestApp, to: &[String]) {
    let mut tx = t.state.databases.main.write().await.unwrap();
    let letter = Letter::LogIn { link: "https://pay.example/login/link?token=pgl_x".to_owned() };
    for to in to {
        let (to, now) = (Address::parse(to).unwrap(), t.clock.now());
        let to = Recipient::new(&to, Words::default());
        let content = letter.content(&to.words);
        t.state.accounts.mail.enqueue(&mut tx, &to, content, now).unwrap();
        t.clock.advance(Duration::SECOND);
    }
    tx.commit().await.unwrap();
}

async fn to_whom(t: &TestApp, query: &str) -> Vec<Value> {
    let answer = t.get(&format!("/sandbox/mail{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let messages = answer.json()["messages"].as_array().unwrap().clone();
    messages.into_iter().map(|message| message["to"].clone()).collect()
}

on_both_databases! {
    async fn a_mail_can_be_read_by_any_spelling_of_its_address(t: TestApp) {
        write(&t, &["Anna@Bücher.example".to_owned(), "ben@example.org".to_owned()]).await;
        let anna = "anna@xn--bcher-kva.example";
        assert_eq!(to_whom(&t, "").await, [anna, "ben@example.org"], "the oldest first");
        for spelling in ["ANNA@b%C3%BCcher.example", anna, "%20anna%40B%C3%9CCHER.example"] {
            assert_eq!(to_whom(&t, &format!("?to={spelling}")).await, [anna], "{spelling}");
        }
        assert!(to_whom(&t, "?to=nobody@example.org").await.is_empty());
        let mails = t.get("/sandbox/mail?to=ben@example.org").await.json();
        let mail = &mails["messages"][0];
        assert_eq!(mail["sent_at"], "2026-11-23T04:05:07Z");
        assert_eq!(mail["subject"], "Your link to log in");
        assert!(mail["text"].as_str().unwrap().contains("\nhttps://pay.example/login/link?"));
        assert_eq!(mail.as_object().unwrap().len(), 4);
    }

    async fn of_many_mails_the_newest_hundred_are_shown(t: TestApp) {
        let to: Vec<String> = (0..103).map(|i| format!("reader-{i}@example.org")).collect();
        write(&t, &to).await;
        assert_eq!(to_whom(&t, "").await, to[3..].iter().map(|to| json!(to)).collect::<Vec<_>>());
        assert_eq!(to_whom(&t, "?to=reader-0@example.org").await, ["reader-0@example.org"]);
    }

    async fn what_is_no_address_is_refused_by_name(t: TestApp) {
        for query in ["?to=", "?to=anna", "?to=anna@", "?to=%FF@c.org"] {
            let answer = t.get(&format!("/sandbox/mail{query}")).await;
            assert_eq!(answer.fields(), [("to".to_owned(), "invalid_value".to_owned())], "{query}");
        }
        let control = t.get("/sandbox/mail?to=a%0D%0Ab@c.org").await;
        assert_eq!(control.parameters(), [("to".to_owned(), "invalid_value".to_owned())]);
        for query in ["?too=a@b.org", "?to=a@b.org&to=c@d.org"] {
            assert_eq!(t.get(&format!("/sandbox/mail{query}")).await.problem().0, 422, "{query}");
        }
    }

    async fn people_open_what_was_mailed_above_the_bar(t: TestApp) {
        write(&t, &["anna@example.org".to_owned()]).await;
        let list = t.get("/sandbox/mailbox").await;
        let page = list.text();
        assert!(list.status == 200 && page.contains("anna@example.org"), "{page}");
        assert!(page.contains("action=\"/sandbox/bar/clock\""), "{page}");
        let at = page.split("href=\"/sandbox/mailbox/").nth(1).unwrap().split('"').next().unwrap();
        let mail = t.get(&format!("/sandbox/mailbox/{at}")).await.text();
        let back = format!("name=\"return_to\" value=\"/sandbox/mailbox/{at}\"");
        assert!(mail.contains("Your link to log in") && mail.contains(&back), "{mail}");
        // The mail itself is as it was sent, in a frame that can do nothing.
        let html = t.get(&format!("/sandbox/mailbox/{at}/html")).await;
        assert!(html.header("content-security-policy").contains("sandbox"));
        assert!(!html.text().contains("sandbox/bar"));
        for nothing in ["0192f0c0-0000-7000-8000-000000000000", "x"] {
            assert_eq!(t.get(&format!("/sandbox/mailbox/{nothing}")).await.status, 404);
        }
    }
}
