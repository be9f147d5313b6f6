//! Newsletters: asked for without an account, begun by the answer to a mail, left by one click.

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use futures_util::future::join_all;
use pressgate::{
    auth::staff::model::Role,
    clock::Clock,
    language::{Language, Words},
    mail::address::Address,
    newsletter::{link::Purpose, store},
    upkeep::forget,
};
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{Answer, TestApp},
    back_office::{hire, token_of},
    billing::OK,
    reader_pages::{Browser, mailed_link, signed_up},
    readers::{ANNA, refused},
};

const BERT: &str = "bert@example.org";
const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

fn words() -> Words {
    Words::new(Language::English, "UTC")
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// Asks for `lists` on the page, as a browser does.
async fn ask(t: &TestApp, email: &str, lists: &[&str]) -> Answer {
    let names: Vec<String> = lists.iter().map(|list| format!("list-{list}")).collect();
    let mut fields = vec![("email", email)];
    fields.extend(names.iter().map(|name| (name.as_str(), "on")));
    let answer = Browser::new(t).submit("/newsletters", "/newsletters", &fields).await;
    // A moment passes, so that mails have an order.
    t.clock.advance(Duration::MILLISECOND);
    answer
}

/// The last link in a mail to `email` that confirms.
async fn confirm_link(t: &TestApp, email: &str) -> String {
    mailed_link(t, email, "/newsletters/confirm").await
}

async fn confirm(t: &TestApp, link: &str) -> Answer {
    Browser::new(t).submit(link, "/newsletters/confirm", &[]).await
}

/// Somebody who receives `lists`.
pub(crate) async fn receives(t: &TestApp, email: &str, lists: &[&str]) {
    assert_eq!(ask(t, email, lists).await.status, 202);
    let link = confirm_link(t, email).await;
    assert_eq!(confirm(t, &link).await.status, 200);
}

/// What is sent to `email`.
async fn lists_of(t: &TestApp, email: &str) -> Vec<String> {
    let mut tx = t.state.databases.main.read().await.unwrap();
    let all = store::list_of(&mut tx, &address(email)).await.unwrap();
    all.into_iter()
        .filter(pressgate::newsletter::model::Subscription::is_received)
        .map(|it| it.list)
        .collect()
}

/// The path of a link for the subscription of `email` to `list`.
pub(crate) async fn link_of(t: &TestApp, purpose: Purpose, email: &str, list: &str) -> String {
    let mut tx = t.state.databases.main.read().await.unwrap();
    let all = store::list_of(&mut tx, &address(email)).await.unwrap();
    let id = all.iter().find(|it| it.list == list).unwrap().id;
    let token = t.state.newsletters.links.token(purpose, id);
    format!("{}?token={token}", purpose.path())
}

/// What a program for mail sends: no cookie, and from anywhere.
async fn one_click(t: &TestApp, path: &str, body: &str) -> Answer {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ORIGIN, "https://mail.example")
        .header("sec-fetch-site", "cross-site");
    t.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

async fn recipients(t: &TestApp, list: &str) -> Vec<String> {
    let catalog = t.state.catalogs.current();
    let newsletter = catalog.newsletter(list).unwrap();
    let (mut found, mut after) = (Vec::new(), Some(String::new()));
    while let Some(from) = after {
        let page = t.state.newsletters.recipients(newsletter, &from).await.unwrap();
        found.extend(page.recipients.into_iter().map(|it| it.email));
        after = page.next;
    }
    found
}

async fn rows(t: &TestApp, sql: &'static str) -> i64 {
    let mut tx = t.state.databases.main.read().await.unwrap();
    let row: Option<(i64,)> = tx.query(sql).optional().await.unwrap();
    row.unwrap().0
}

const CONSENTS: &str = "SELECT COUNT(*) FROM newsletter_consents";
const SUBSCRIPTIONS: &str = "SELECT COUNT(*) FROM newsletter_subscriptions";

on_both_databases! {
    async fn anybody_signs_up_and_it_begins_with_the_answer_to_the_mail(t: TestApp) {
        let page = t.get("/newsletters").await;
        assert_eq!((page.status, page.header("cache-control")), (200, "no-store"));
        let text = page.text();
        assert_eq!(text.matches("type=\"checkbox\"").count(), 9);
        assert!(text.find("Every day").unwrap() < text.find("Every week").unwrap());
        assert_eq!(text.matches("For subscribers: sent while").count(), 2);
        let asked = ask(&t, ANNA, &["tide", "long-ago"]).await;
        assert_eq!(asked.status, 202);
        assert!(asked.text().contains("Look into your mail"));
        assert!(lists_of(&t, ANNA).await.is_empty(), "nothing before the answer");
        assert_eq!(t.subjects_to(ANNA).await, ["Confirm your newsletters"]);
        let link = confirm_link(&t, ANNA).await;
        let opened = t.get(&link).await.text();
        assert!(opened.contains("The Tide and Not So Long Ago"), "{opened}");
        t.clock.advance(Duration::HOUR - Duration::MILLISECOND);
        let confirmed = confirm(&t, &link).await;
        assert!(confirmed.text().contains("You’re signed up"), "{}", confirmed.text());
        assert_eq!(lists_of(&t, ANNA).await, ["long-ago", "tide"]);
        let mut tx = t.state.databases.main.read().await.unwrap();
        let consents = store::consents_of(&mut tx, &address(ANNA)).await.unwrap();
        assert_eq!(consents.len(), 1);
        let consent = &consents[0];
        assert!(consent.shown.starts_with("Send me the newsletters that I chose."));
        assert!(consent.shown.contains("The Tide: One thing explained"), "{}", consent.shown);
        assert_eq!(consent.confirmed_at, Some(t.clock.now()));
        assert_eq!(t.clock.now().since(consent.asked_at), Duration::HOUR);
    }

    async fn a_french_browser_is_spoken_to_and_written_to_in_french(t: TestApp) {
        let mut browser = Browser::new(&t);
        let request = Request::get("/newsletters").header(header::ACCEPT_LANGUAGE, "fr-CH");
        let page = browser.send(request, String::new()).await.text();
        assert!(page.contains("La Marée") && page.contains("Chaque jour"), "{page}");
        let token = page.split("name=\"form_token\" value=\"").nth(1).unwrap();
        let token = token.split('"').next().unwrap();
        let request = Request::post("/newsletters")
            .header(header::ACCEPT_LANGUAGE, "fr-CH")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let body = format!("form_token={token}&email=anna%40example.org&list-tide=on");
        assert_eq!(browser.send(request, body).await.status, 202);
        assert_eq!(t.subjects_to(ANNA).await, ["Confirmez votre inscription à nos lettres"]);
        confirm(&t, &confirm_link(&t, ANNA).await).await;
        let catalog = t.state.catalogs.current();
        let tide = catalog.newsletter("tide").unwrap();
        let page = t.state.newsletters.recipients(tide, "").await.unwrap();
        assert_eq!(page.recipients[0].language, Language::French);
    }

    async fn a_scanner_that_opens_every_link_changes_nothing(t: TestApp) {
        ask(&t, ANNA, &["tide"]).await;
        let link = confirm_link(&t, ANNA).await;
        for method in [Method::GET, Method::HEAD, Method::GET] {
            let request = Request::builder().method(method).uri(&link);
            assert_eq!(t.send(request.body(Body::empty()).unwrap()).await.status, 200);
        }
        assert!(lists_of(&t, ANNA).await.is_empty());
        confirm(&t, &link).await;
        for purpose in [Purpose::Unsubscribe, Purpose::Preferences] {
            let link = link_of(&t, purpose, ANNA, "tide").await;
            for method in [Method::GET, Method::HEAD] {
                let request = Request::builder().method(method).uri(&link);
                assert_eq!(t.send(request.body(Body::empty()).unwrap()).await.status, 200);
            }
        }
        assert_eq!(lists_of(&t, ANNA).await, ["tide"]);
    }

    async fn nobody_learns_who_receives_what(t: TestApp) {
        receives(&t, ANNA, &["tide"]).await;
        let known = ask(&t, ANNA, &["tide"]).await;
        let unknown = ask(&t, BERT, &["tide"]).await;
        assert_eq!(known.status, unknown.status);
        assert_eq!(without_tokens(&known), without_tokens(&unknown));
        assert_eq!(t.subjects_to(ANNA).await.len(), 2, "and both are written to");
        assert_eq!(t.subjects_to(BERT).await.len(), 1);
    }

    async fn asking_twice_sends_once_and_a_link_that_comes_again_does_nothing(t: TestApp) {
        ask(&t, ANNA, &["tide"]).await;
        let first = confirm_link(&t, ANNA).await;
        t.clock.advance(Duration::MINUTE);
        ask(&t, "Anna@Example.ORG", &["tide", "deep-end"]).await;
        let second = confirm_link(&t, ANNA).await;
        assert_ne!(first, second);
        confirm(&t, &second).await;
        assert_eq!(confirm(&t, &first).await.status, 200);
        assert_eq!(lists_of(&t, ANNA).await, ["deep-end", "tide"]);
        assert_eq!(rows(&t, SUBSCRIPTIONS).await, 2);
        let leave = link_of(&t, Purpose::Unsubscribe, ANNA, "tide").await;
        assert_eq!(one_click(&t, &leave, ONE_CLICK).await.status, 200);
        for link in [&first, &second] {
            let again = confirm(&t, link).await;
            assert!(again.text().contains("You had answered already"), "{}", again.text());
        }
        assert_eq!(lists_of(&t, ANNA).await, ["deep-end"], "who has left stays away");
        receives(&t, ANNA, &["tide"]).await;
        let before = leave;
        assert_eq!(link_of(&t, Purpose::Unsubscribe, ANNA, "tide").await, before);
        assert_eq!(one_click(&t, &before, ONE_CLICK).await.status, 200, "old mails leave too");
        assert_eq!(lists_of(&t, ANNA).await, ["deep-end"]);
    }

    async fn of_many_answers_at_once_one_counts(t: TestApp) {
        ask(&t, ANNA, &["tide", "deep-end", "long-ago"]).await;
        ask(&t, ANNA, &["long-ago", "tide"]).await;
        let mails = t.mails_to(ANNA).await;
        let tokens: Vec<String> = mails.iter().map(token_in_mail).collect();
        assert_eq!(tokens.len(), 2);
        let processes = [t.clone(), t.another_process().await];
        let answers = (0..20).map(|i| {
            let (t, token) = (processes[i % 2].clone(), tokens[i % 2].clone());
            tokio::spawn(async move { t.state.newsletters.confirm(&token).await.unwrap() })
        });
        let answers = join_all(answers).await.into_iter().map(Result::unwrap);
        assert_eq!(answers.filter(|answer| !answer.before).count(), 2, "one for each mail");
        assert_eq!(rows(&t, SUBSCRIPTIONS).await, 3);
    }

    async fn what_is_not_answered_in_a_week_is_forgotten(t: TestApp) {
        ask(&t, ANNA, &["tide"]).await;
        let link = confirm_link(&t, ANNA).await;
        t.clock.advance(Duration::days(7) - Duration::SECOND - Duration::MILLISECOND);
        assert_eq!(t.get(&link).await.status, 200);
        let mut browser = Browser::new(&t);
        browser.open(&link).await;
        t.clock.advance(Duration::SECOND);
        let over = t.get(&link).await;
        assert_eq!(over.status, 404);
        assert!(over.text().contains("This link does not work"), "{}", over.text());
        assert_eq!(t.state.newsletters.confirm(token_in(&link)).await.unwrap_err().to_string(), "this link is over, or is not whole");
        assert_eq!(rows(&t, CONSENTS).await, 1);
        forget(&t.state.databases.main, &*t.clock, t.state.config.decisions).await.unwrap();
        assert_eq!((rows(&t, CONSENTS).await, rows(&t, SUBSCRIPTIONS).await), (0, 0));
    }

    async fn who_left_is_known_for_three_years_and_who_stays_for_ever(t: TestApp) {
        receives(&t, ANNA, &["tide"]).await;
        receives(&t, BERT, &["tide"]).await;
        let leave = link_of(&t, Purpose::Unsubscribe, ANNA, "tide").await;
        one_click(&t, &leave, ONE_CLICK).await;
        t.clock.advance(Duration::days(3 * 366));
        forget(&t.state.databases.main, &*t.clock, t.state.config.decisions).await.unwrap();
        assert_eq!((rows(&t, CONSENTS).await, rows(&t, SUBSCRIPTIONS).await), (2, 2));
        t.clock.advance(Duration::SECOND);
        forget(&t.state.databases.main, &*t.clock, t.state.config.decisions).await.unwrap();
        forget(&t.state.databases.main, &*t.clock, t.state.config.decisions).await.unwrap();
        assert_eq!((rows(&t, CONSENTS).await, rows(&t, SUBSCRIPTIONS).await), (1, 1));
        assert_eq!(lists_of(&t, BERT).await, ["tide"]);
        assert_eq!(one_click(&t, &leave, ONE_CLICK).await.status, 200, "left is left");
        assert_eq!(t.get(&leave).await.status, 200);
    }

    async fn one_click_leaves_one_list_from_anywhere_and_at_once(t: TestApp) {
        receives(&t, ANNA, &["tide", "deep-end"]).await;
        receives(&t, BERT, &["tide"]).await;
        let leave = link_of(&t, Purpose::Unsubscribe, ANNA, "tide").await;
        for body in ["", "List-Unsubscribe=", "form_token=x", "List-Unsubscribe=One-Click-Not"] {
            assert_eq!(one_click(&t, &leave, body).await.status, 400, "{body}");
        }
        assert_eq!(one_click(&t, &leave, &"x".repeat(100_000)).await.status, 413);
        assert_eq!(lists_of(&t, ANNA).await.len(), 2);
        for _ in 0..3 {
            let done = one_click(&t, &leave, ONE_CLICK).await;
            assert_eq!((done.status, done.text().as_str()), (200, "Unsubscribed.\n"));
            assert_eq!(done.header("content-type"), "text/plain; charset=utf-8");
            assert_eq!(done.header("set-cookie"), "");
        }
        assert_eq!(lists_of(&t, ANNA).await, ["deep-end"]);
        assert_eq!(lists_of(&t, BERT).await, ["tide"]);
        let page = t.get(&leave).await.text();
        assert!(page.contains("You have left The Tide"), "{page}");
    }

    async fn a_link_of_another_kind_or_made_by_somebody_else_opens_nothing(t: TestApp) {
        receives(&t, ANNA, &["tide"]).await;
        let confirming = confirm_link(&t, ANNA).await;
        let unsubscribing = link_of(&t, Purpose::Unsubscribe, ANNA, "tide").await;
        let preferring = link_of(&t, Purpose::Preferences, ANNA, "tide").await;
        let hostile = ["", "x", "../../etc/passwd", "%22%3E%3Cscript%3E", "AAAA%F0%9F%98%80"];
        let hostile = hostile.map(str::to_owned).into_iter().chain([
            "A".repeat(64), "A".repeat(7_000),
        ]);
        let mut tokens: Vec<String> = hostile.collect();
        for link in [&confirming, &unsubscribing, &preferring] {
            let token = token_in(link);
            tokens.push(format!("{}A", &token[..63]));
            tokens.push(format!("{token}A"));
        }
        for (path, own) in [
            ("/newsletters/confirm", &confirming),
            ("/newsletters/unsubscribe", &unsubscribing),
            ("/newsletters/preferences", &preferring),
        ] {
            let others = [&confirming, &unsubscribing, &preferring].into_iter();
            let others = others.filter(|link| *link != own).map(|link| token_in(link).to_owned());
            for token in others.chain(tokens.iter().filter(|token| *token != token_in(own)).cloned()) {
                if token == token_in(own) { continue; }
                let answer = t.get(&format!("{path}?token={token}")).await;
                assert_eq!(answer.status, 404, "{path} {token}");
                assert!(!answer.text().contains("<script"), "{}", answer.text());
            }
            assert_eq!(t.get(&format!("{path}?token=%00")).await.status, 400, "{path}");
        }
        for token in [token_in(&confirming), token_in(&preferring), "A"] {
            let path = format!("/newsletters/unsubscribe?token={token}");
            assert_eq!(one_click(&t, &path, ONE_CLICK).await.status, 404);
        }
        assert_eq!(lists_of(&t, ANNA).await, ["tide"]);
    }

    async fn what_is_received_is_changed_by_a_link_without_logging_in(t: TestApp) {
        receives(&t, ANNA, &["tide", "deep-end", "long-ago"]).await;
        let link = link_of(&t, Purpose::Preferences, ANNA, "tide").await;
        let mut browser = Browser::new(&t);
        let page = browser.open(&link).await.text();
        assert!(page.contains("a…@example.org") && !page.contains(ANNA), "{page}");
        assert_eq!(page.matches(" checked").count(), 3);
        let action = "/newsletters/preferences";
        let saved = browser.submit(&link, action, &[("list-tide", "on")]).await;
        assert_eq!(saved.status, 200);
        assert!(saved.text().contains("Saved."));
        assert_eq!(lists_of(&t, ANNA).await, ["tide"]);
        // Newsletters are passed on with their links: only the mailbox agrees to more.
        let more = [("list-tide", "on"), ("list-lamplight", "on")];
        let asked = browser.submit(&link, action, &more).await;
        assert_eq!(asked.status, 202);
        assert_eq!(lists_of(&t, ANNA).await, ["tide"]);
        confirm(&t, &confirm_link(&t, ANNA).await).await;
        assert_eq!(lists_of(&t, ANNA).await, ["lamplight", "tide"]);
        let unknown = browser.submit(&link, action, &[("list-nothing", "on")]).await;
        assert_eq!(unknown.status, 422);
        assert_eq!(lists_of(&t, ANNA).await.len(), 2, "nothing was done");
        let all = [("list-tide", "on"), ("leave_all", "1")];
        assert_eq!(browser.submit(&link, action, &all).await.status, 200);
        assert!(lists_of(&t, ANNA).await.is_empty());
        assert_eq!(browser.open(&link).await.status, 200, "and back again by the same link");
    }

    async fn leaving_by_hand_takes_one_button_and_leads_to_the_others(t: TestApp) {
        receives(&t, ANNA, &["tide", "deep-end"]).await;
        let link = link_of(&t, Purpose::Unsubscribe, ANNA, "tide").await;
        let mut browser = Browser::new(&t);
        let page = browser.open(&link).await.text();
        assert!(page.contains("Leave The Tide?") && page.contains("/newsletters/preferences?token="));
        let left = browser.submit(&link, "/newsletters/leave", &[]).await;
        assert!(left.text().contains("You have left The Tide"), "{}", left.text());
        assert_eq!(lists_of(&t, ANNA).await, ["deep-end"]);
    }

    async fn what_is_wrong_is_said_and_nothing_typed_runs(t: TestApp) {
        let mut browser = Browser::new(&t);
        let hostile = "\"><script>alert(1)</script>@b.org";
        for (fields, said) in [
            (vec![("email", hostile), ("list-tide", "on")], "We cannot write to this address"),
            (vec![("email", ""), ("list-tide", "on")], "We cannot write to this address"),
            (vec![("email", "a@b.org\r\nBcc: x@y.org"), ("list-tide", "on")], "cannot be shown"),
            (vec![("email", ANNA)], "Choose at least one newsletter."),
            (vec![("email", ANNA), ("list-'; DROP TABLE readers", "on")], "is not there any more"),
            (vec![("email", ANNA), ("list-<script>", "on")], "is not there any more"),
            (vec![("email", ANNA), ("list-tide", "on"), ("colour", "red")], "could not be read"),
        ] {
            let answer = browser.submit("/newsletters", "/newsletters", &fields).await;
            assert_eq!(answer.status, 422, "{fields:?}");
            assert!(answer.text().contains(said), "{said}: {}", answer.text());
            assert!(!answer.text().contains("<script"), "{}", answer.text());
        }
        let many: Vec<String> = (0..100).map(|i| format!("list-{i}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "on")).collect();
        assert_eq!(browser.submit("/newsletters", "/newsletters", &many).await.status, 422);
        for path in [
            "/newsletters?list=%3Cscript%3E&site=%22%3E%3Cscript%3E",
            "/newsletters?list=tide&utm_source=x", "/newsletters?list=tide",
        ] {
            let page = t.get(path).await;
            assert_eq!(page.status, 200, "{path}");
            assert!(!page.text().contains("<script"));
        }
        assert_eq!(t.get("/newsletters?list=tide").await.text().matches(" checked").count(), 1);
        assert_eq!(rows(&t, CONSENTS).await, 0);
        assert_eq!(t.get("/newsletters?list=a&list=b").await.status, 400);
    }

    async fn nobody_is_flooded_with_mails(t: TestApp) {
        for _ in 0..5 {
            assert_eq!(ask(&t, ANNA, &["tide"]).await.status, 202);
        }
        let refused = ask(&t, "ANNA@example.org", &["deep-end"]).await;
        assert_eq!(refused.status, 429);
        assert!(!refused.header("retry-after").is_empty());
        assert_eq!(t.mails_to(ANNA).await.len(), 5);
        assert_eq!(ask(&t, BERT, &["tide"]).await.status, 202, "others are left alone");
        // Whoever may be written to no more can still leave.
        confirm(&t, &confirm_link(&t, ANNA).await).await;
        let link = link_of(&t, Purpose::Preferences, ANNA, "tide").await;
        let fields = [("list-lamplight", "on")];
        let answer = Browser::new(&t).submit(&link, "/newsletters/preferences", &fields).await;
        assert_eq!(answer.status, 429);
        assert!(lists_of(&t, ANNA).await.is_empty());
    }

    async fn a_reader_who_is_logged_in_needs_no_mail(t: TestApp) {
        let mut anna = signed_up(&t, ANNA).await;
        let path = "/account/newsletters";
        assert_eq!(Browser::new(&t).open(path).await.status, 303);
        let more = [("list-tide", "on"), ("list-soundings", "on")];
        let saved = anna.submit(path, path, &more).await;
        assert_eq!((saved.status, saved.header("location")), (303, "/account/newsletters?saved=1"));
        assert_eq!(lists_of(&t, ANNA).await, ["soundings", "tide"]);
        assert_eq!(t.subjects_to(ANNA).await, ["Confirm your address"]);
        let page = anna.open("/account/newsletters?saved=1").await.text();
        assert!(page.contains("Saved.") && page.matches(" checked").count() == 2, "{page}");
        let received = t.state.newsletters.received_by(&address(ANNA)).await.unwrap();
        let received: Vec<&str> = received.iter().map(|(it, _)| it.id.as_str()).collect();
        assert_eq!(received, ["tide", "soundings"]);
        let export = anna.open("/account/export").await.json();
        let newsletters = &export["newsletters"];
        assert_eq!(newsletters["subscriptions"][1]["list"], "tide");
        assert_eq!(newsletters["consents"][0]["way"], "account");
        assert_eq!(newsletters["consents"][0]["lists"], json!(["tide", "soundings"]));
        anna.submit(path, path, &[("leave_all", "1")]).await;
        assert!(lists_of(&t, ANNA).await.is_empty());
    }

    async fn newsletters_follow_to_another_address(t: TestApp) {
        const NEW: &str = "anna.new@example.org";
        receives(&t, ANNA, &["tide", "deep-end"]).await;
        ask(&t, ANNA, &["long-ago"]).await;
        let pending = confirm_link(&t, ANNA).await;
        receives(&t, NEW, &["deep-end"]).await;
        let left = link_of(&t, Purpose::Unsubscribe, NEW, "deep-end").await;
        one_click(&t, &left, ONE_CLICK).await;
        let before = link_of(&t, Purpose::Preferences, ANNA, "tide").await;
        let anna = t.reader(ANNA).await;
        t.clock.advance(Duration::MILLISECOND);
        let body = Some(json!({"email": NEW}));
        let asked = t.call(Method::POST, "/v1/me/email", &anna.access, body).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        for token in [t.link(ANNA).await, t.link(NEW).await] {
            let body = json!({"token": token});
            assert_eq!(t.tell("/v1/me/email/confirm", body).await.status, 200);
        }
        assert_eq!(lists_of(&t, NEW).await, ["tide"], "what it has left it does not get again");
        assert!(lists_of(&t, ANNA).await.is_empty());
        for link in [before, pending] {
            assert_eq!(t.get(&link).await.status, 404, "the old mailbox may be another's");
        }
        let mut tx = t.state.databases.main.read().await.unwrap();
        assert_eq!(store::consents_of(&mut tx, &address(NEW)).await.unwrap().len(), 2);
    }

    async fn the_newspaper_signs_up_to_its_daily_newsletter_with_one_field(t: TestApp) {
        let article = "/demo/articles/how-tides-work";
        let mut browser = Browser::new(&t);
        for path in [article, "/demo/articles/why-bread-rises"] {
            let page = browser.open(path).await.text();
            let aside = page.split("<aside class=\"sign-up\"").nth(1).unwrap();
            let aside = aside.split("</aside>").next().unwrap();
            assert!(aside.contains("Sign up to our daily newsletter") && aside.contains("The Tide"));
            assert_eq!(aside.matches("<input").count() - aside.matches("\"hidden\"").count(), 1);
            assert_eq!(aside.matches("<button").count(), 1);
        }
        let sent = browser.submit(article, "/newsletters", &[("email", ANNA)]).await;
        assert_eq!(sent.status, 202, "{}", sent.text());
        confirm(&t, &confirm_link(&t, ANNA).await).await;
        assert_eq!(lists_of(&t, ANNA).await, ["tide"]);
        let mut member = signed_up(&t, BERT).await;
        let sent = member.submit(article, "/newsletters", &[("email", BERT)]).await;
        assert_eq!(sent.status, 202, "also where somebody is logged in");
        let wrong = member.submit(article, "/newsletters", &[("email", "nobody")]).await;
        assert_eq!(wrong.status, 422);
        assert_eq!(wrong.text().matches(" checked").count(), 1, "the choice is not lost");
    }

    async fn erasing_an_account_takes_the_newsletters_along(t: TestApp) {
        receives(&t, ANNA, &["tide"]).await;
        ask(&t, ANNA, &["deep-end"]).await;
        let pending = confirm_link(&t, ANNA).await;
        let leave = link_of(&t, Purpose::Unsubscribe, ANNA, "tide").await;
        receives(&t, BERT, &["tide"]).await;
        let mut anna = signed_up(&t, ANNA).await;
        assert_eq!(anna.submit("/account/erase", "/account/erase", &[]).await.status, 303);
        assert_eq!((rows(&t, CONSENTS).await, rows(&t, SUBSCRIPTIONS).await), (1, 1));
        assert_eq!(t.get(&pending).await.status, 404);
        assert_eq!(one_click(&t, &leave, ONE_CLICK).await.status, 200);
        assert_eq!(lists_of(&t, BERT).await, ["tide"]);
    }

    async fn a_list_for_subscribers_goes_to_those_whose_subscription_runs(t: TestApp) {
        let anna = t.reader(ANNA).await;
        t.reader(BERT).await;
        for email in [ANNA, BERT, "nobody@example.org"] {
            receives(&t, email, &["soundings", "tide"]).await;
        }
        assert_eq!(recipients(&t, "tide").await, [ANNA, BERT, "nobody@example.org"]);
        assert!(recipients(&t, "soundings").await.is_empty());
        let id = t.subscribed(&anna, "monthly", OK).await;
        assert_eq!(recipients(&t, "soundings").await, [ANNA]);
        let anna = t.fresh(&anna).await;
        let canceled = t.about(&anna, &id, "cancel", json!({"at": "period_end"})).await;
        assert_eq!(canceled.status, 200, "{}", canceled.text());
        assert_eq!(recipients(&t, "soundings").await, [ANNA], "until the period's end");
        let end = t.clock.now().plus(Duration::days(31));
        t.settle_until(end).await;
        assert!(recipients(&t, "soundings").await.is_empty());
        assert_eq!(recipients(&t, "tide").await.len(), 3, "the others go on");
    }

    async fn staff_see_how_many_and_an_admin_takes_them_out(t: TestApp) {
        for email in [ANNA, BERT, "=cmd|'/c!a1'@example.org"] {
            receives(&t, email, &["tide"]).await;
        }
        for role in Role::ALL {
            hire(&t, role).await;
        }
        let [viewer, support, admin] = [
            token_of(&t, Role::Viewer).await,
            token_of(&t, Role::Support).await,
            token_of(&t, Role::Admin).await,
        ];
        let counts = t.call(Method::GET, "/v1/staff/newsletters", &viewer, None).await;
        let counts = counts.json()["newsletters"].clone();
        assert_eq!(counts.as_array().unwrap().len(), 9);
        assert_eq!((&counts[0]["id"], &counts[0]["confirmed"]), (&json!("tide"), &json!(3)));
        assert_eq!(counts[1]["confirmed"], 0);
        let path = "/v1/staff/newsletters/tide/subscribers.csv";
        for token in [&viewer, &support] {
            let answer = t.call(Method::GET, path, token, None).await;
            assert_eq!(answer.problem(), refused(403, "not_permitted"));
        }
        assert_eq!(t.get(path).await.status, 401);
        let answer = t.call(Method::GET, path, &admin, None).await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
        assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
        let text = answer.text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "email,subscribed_at,unsubscribe_url,language");
        assert!(lines[1].starts_with("\"\"\"=cmd|'/c!a1'\"\"@example.org\","), "{text}");
        assert!(lines[2].starts_with("anna@example.org,2026-11-23T04:05:06.001"), "{text}");
        let url = lines[2].split(',').nth(2).unwrap();
        let leave = format!("/newsletters/{}", url.rsplit('/').next().unwrap());
        assert_eq!(one_click(&t, &leave, ONE_CLICK).await.status, 200);
        assert_eq!(lists_of(&t, ANNA).await, [""; 0]);
        let unknown = "/v1/staff/newsletters/nothing/subscribers.csv";
        assert_eq!(t.call(Method::GET, unknown, &admin, None).await.status, 404);
        let log = t.call(Method::GET, "/v1/staff/audit", &admin, None).await.json();
        let entries = log["entries"].as_array().unwrap().iter();
        let exported: Vec<&Value> =
            entries.filter(|entry| entry["action"] == "newsletter.exported").collect();
        assert_eq!(exported.len(), 1, "{log}");
        assert!(!log.to_string().contains("example.org"), "no address in the log");
    }

    async fn a_long_list_is_handed_over_page_by_page(t: TestApp) {
        let newsletters = &t.state.newsletters;
        let catalog = t.state.catalogs.current();
        let chosen = [catalog.newsletter("tide").unwrap()];
        let now = t.clock.now();
        let mut tx = t.state.databases.main.write().await.unwrap();
        for i in 0..1_203 {
            let id = newsletters.ids.uuid(now).unwrap();
            let email = address(&format!("r{i:05}@example.org"));
            let consent = pressgate::newsletter::model::Consent::asked(id, email, &chosen, &words(), now);
            let consent = consent.given_in_account();
            store::insert_consent(&mut tx, &consent).await.unwrap();
            let new = pressgate::newsletter::model::Subscription {
                id: newsletters.ids.uuid(now).unwrap(),
                email: consent.email.clone(),
                list: "tide".to_owned(),
                language: Language::English,
                consent_id: consent.id,
                confirmed_at: now,
                unsubscribed_at: None,
            };
            store::subscribe(&mut tx, &new).await.unwrap();
        }
        tx.commit().await.unwrap();
        let all = recipients(&t, "tide").await;
        assert_eq!((all.len(), all[0].as_str()), (1_203, "r00000@example.org"));
        hire(&t, Role::Admin).await;
        let admin = token_of(&t, Role::Admin).await;
        let path = "/v1/staff/newsletters/tide/subscribers.csv";
        let text = t.call(Method::GET, path, &admin, None).await.text();
        assert_eq!((text.lines().count(), text.matches("email,").count()), (1_204, 1));
    }

    async fn websites_ask_which_newsletters_there_are(t: TestApp) {
        let answer = t.get("/v1/newsletters?site=demo").await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, "public, max-age=60"));
        let newsletters = answer.json()["newsletters"].clone();
        assert_eq!(newsletters.as_array().unwrap().len(), 9);
        assert_eq!(newsletters[0]["name"], json!({"en": "The Tide", "fr": "La Marée"}));
        assert_eq!((&newsletters[0]["rhythm"], &newsletters[2]["for_subscribers"]), (&json!("daily"), &json!(true)));
        assert_eq!(t.get("/v1/newsletters?site=nothing").await.problem(), refused(404, "not_found"));
        assert_eq!(t.get("/v1/newsletters?x=1").await.status, 422);
    }
}

fn token_in_mail(mail: &Value) -> String {
    let mut lines = mail["text"].as_str().unwrap().lines();
    let link = lines.rfind(|line| line.contains("/newsletters/confirm?token="));
    token_in(link.unwrap()).to_owned()
}

/// A page but for the hidden tokens of its forms, which are each browser's own.
fn without_tokens(answer: &Answer) -> String {
    let text = answer.text();
    let mut parts = text.split("name=\"form_token\" value=\"");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |page, part| page + part.split_once('"').unwrap().1)
}

fn token_in(link: &str) -> &str {
    let rest = link.split("token=").nth(1).unwrap();
    rest.split('&').next().unwrap()
}
