//! Mails speak their readers' language, look like their site, and lead on by one click.

use axum::{
    body::Body,
    http::{Request, header},
};
use pressgate::{
    billing::link::LinkPurpose,
    clock::Clock,
    language::{Language, Words},
    mail::{
        address::Address,
        letter::Content,
        outbox::{self, StoredMail},
        recipient::Recipient,
    },
    reader::store as readers,
    site::look::{
        logo::Logo,
        model::{Accent, Look},
        store as looks,
    },
};
use serde_json::json;
use time::Duration;

use crate::{
    app::{TestApp, at},
    billing::OK,
    readers::{ANNA, PASSWORD, Tokens},
};

const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\nrest";

async fn kept(t: &TestApp, to: &str) -> StoredMail {
    let mut tx = t.state.databases.main.read().await.unwrap();
    let to = Address::parse(to).unwrap();
    outbox::newest(&mut tx, Some(&to)).await.unwrap().pop().unwrap()
}

/// Lets an account have been begun on `site`, by somebody who speaks `language`.
async fn belongs_to(t: &TestApp, reader: &Tokens, site: &str, language: Language) {
    let id = reader.reader.parse().unwrap();
    let mut tx = t.state.databases.main.write().await.unwrap();
    readers::set_language(&mut tx, id, language).await.unwrap();
    let query = tx.query("UPDATE readers SET site = $1 WHERE id = $2").bind(site).bind(id);
    assert_eq!(query.execute().await.unwrap(), 1);
    tx.commit().await.unwrap();
}

on_both_databases! {
    async fn a_stranger_is_written_to_in_the_language_that_was_asked_in(t: TestApp) {
        let body = json!({"email": "zoe@example.org", "password": PASSWORD}).to_string();
        let request = Request::post("/v1/readers")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT_LANGUAGE, "fr-CH, fr;q=0.9, en;q=0.8");
        assert_eq!(t.send(request.body(Body::from(body)).unwrap()).await.status, 202);
        assert_eq!(t.subjects_to("zoe@example.org").await, ["Confirmez votre adresse"]);
    }

    async fn a_mail_is_in_the_readers_language_by_the_sites_calendar_and_in_its_colors(t: TestApp) {
        t.site("matin", "Europe/Paris", json!({"rules": []})).await;
        let accent = Accent { light: "#8a1538".parse().unwrap(), dark: None };
        let look = Look { accent: Some(accent), ..Look::default() };
        let mut tx = t.state.databases.main.write().await.unwrap();
        looks::set(&mut tx, "matin", &look).await.unwrap();
        let logo = Logo::read(PIXEL.to_vec()).unwrap();
        looks::set_logo(&mut tx, "matin", &logo, t.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        t.state.gate.directory.refresh().await.unwrap();
        let anna = t.reader(ANNA).await;
        belongs_to(&t, &anna, "matin", Language::French).await;
        t.subscribed(&anna, "monthly", OK).await;

        let mail = kept(&t, ANNA).await;
        assert_eq!(mail.subject, "Votre essai gratuit a commencé");
        let ends = "Fin de l’essai gratuit\u{a0}: 23 décembre 2026 à 05:05:06 CET\n";
        assert!(mail.body_text.contains(ends), "{}", mail.body_text);
        assert!(mail.body_text.contains("Mensuelle"), "{}", mail.body_text);
        assert!(mail.body_text.contains("-- \nmatin\n"), "{}", mail.body_text);
        let html = mail.body_html;
        let logo = "<img src=\"http://127.0.0.1:8080/assets/site/matin/logo?v=";
        for part in ["<html lang=\"fr\" dir=\"ltr\">", "background:#8a1538", logo, "alt=\"matin\""] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }

    async fn a_site_that_speaks_one_language_writes_in_it(t: TestApp) {
        t.site("morning", "UTC", json!({"rules": []})).await;
        let look = Look { language: Some(Language::English), ..Look::default() };
        let mut tx = t.state.databases.main.write().await.unwrap();
        looks::set(&mut tx, "morning", &look).await.unwrap();
        tx.commit().await.unwrap();
        t.state.gate.directory.refresh().await.unwrap();
        let anna = t.reader(ANNA).await;
        belongs_to(&t, &anna, "morning", Language::French).await;
        t.magic_link(ANNA).await;
        assert_eq!(t.subjects_to(ANNA).await.last().unwrap(), "Your link to log in");
    }

    async fn the_links_of_a_mail_are_for_its_subscription(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let id = t.subscribed(&anna, "monthly", OK).await;
        let text = kept(&t, ANNA).await.body_text;
        let (_, rest) = text.split_once("Cancel in one click:\n\n").unwrap();
        let url = rest.lines().next().unwrap();
        let token = url.strip_prefix("http://127.0.0.1:8080/mail/cancel?token=").unwrap();
        let links = &t.state.accounts.billing.links;
        let verified = |purpose| links.verify(purpose, token, t.clock.now());
        assert_eq!(verified(LinkPurpose::Cancel), Some(id.parse().unwrap()));
        assert_eq!(verified(LinkPurpose::Resume), None);
        t.about(&anna, &id, "cancel", json!({"at": "period_end"})).await;
        let text = kept(&t, ANNA).await.body_text;
        assert!(text.contains("Take it back:\n\nhttp://127.0.0.1:8080/mail/resume?token="), "{text}");
    }

    async fn a_list_can_be_left_from_its_mail_and_the_way_is_forgotten_with_it(t: TestApp) {
        let url = "https://pay.example/newsletters/unsubscribe?token=secret";
        let to = Recipient::new(&Address::parse(ANNA).unwrap(), Words::default());
        let content = Content::about(&to.words, "letter-account-log-in-subject")
            .tell("letter-account-log-in")
            .unsubscribe(url);
        let now = t.clock.now();
        let mut tx = t.state.databases.main.write().await.unwrap();
        let id = t.state.accounts.mail.enqueue(&mut tx, &to, content, now).unwrap();
        tx.commit().await.unwrap();
        let shown = t.mails_to(ANNA).await.remove(0);
        assert_eq!(shown["unsubscribe_url"], url);
        assert!(shown["text"].as_str().unwrap().contains(&format!("Unsubscribe:\n\n{url}\n")));
        let mut tx = t.state.databases.main.write().await.unwrap();
        outbox::mark_sent(&mut tx, id, now.plus(Duration::SECOND));
        tx.commit().await.unwrap();
        assert_eq!(kept(&t, ANNA).await.unsubscribe_url, None);
    }

    async fn every_turn_of_a_subscription_is_mailed_in_its_readers_language_and_a_card_that_ends_once(t: TestApp) {
        // The same card by two spellings, since one card has one trial.
        let readers = [
            (ANNA, Language::French, "pm_sandbox_ok:exp-2027-01"),
            ("ben@example.org", Language::English, "pm_sandbox_ok:exp-2027-1"),
        ];
        let mut ids = Vec::new();
        for (email, language, card) in readers {
            let reader = t.reader(email).await;
            belongs_to(&t, &reader, "demo", language).await;
            let id = t.subscribed(&reader, "monthly", card).await;
            for (act, body) in [("cancel", json!({"at": "period_end"})), ("resume", json!({}))] {
                t.clock.advance(Duration::MILLISECOND);
                let done = t.about(&reader, &id, act, body).await;
                assert_eq!(done.status, 200, "{act}: {}", done.text());
            }
            ids.push(id);
        }
        // The card pays the trial's end and January, and ends before the charge of February.
        t.settle_until(at("2027-01-22T00:00:00Z")).await;
        for (email, language, _) in readers {
            let ends_soon = Words::new(language, "UTC").say("letter-billing-card-expiring-subject");
            assert!(!t.subjects_to(email).await.contains(&ends_soon), "not before it matters");
        }
        t.settle_until(at("2027-02-20T00:00:00Z")).await;
        for ((email, language, _), id) in readers.into_iter().zip(&ids) {
            let reader = t.device(email).await;
            let another = json!({"payment_method": "pm_sandbox_ok"});
            assert_eq!(t.about(&reader, id, "payment-method", another).await.status, 200);
            let preview = t.about(&reader, id, "switch/preview", json!({"plan": "annual"})).await;
            let switch = json!({"plan": "annual", "preview": preview.json()["preview"]});
            assert_eq!(t.about(&reader, id, "switch", switch).await.status, 200);
            are_whole(&t, email, language).await;
        }
    }
}

/// Each turn was mailed once, in `language` and by the plan's name in it, with each link as text too.
async fn are_whole(t: &TestApp, email: &str, language: Language) {
    let words = Words::new(language, "UTC");
    let told = t.subjects_to(email).await;
    for turn in [
        "trial-started",
        "canceled-trial",
        "resumed",
        "trial-ending",
        "first-paid",
        "renewed",
        "card-expiring",
        "switched",
    ] {
        let subject = words.say(&format!("letter-billing-{turn}-subject"));
        let times = told.iter().filter(|it| **it == subject).count();
        assert_eq!(times, 1, "{subject} in {told:?}");
    }
    let mut tx = t.state.databases.main.read().await.unwrap();
    let all = outbox::newest(&mut tx, Some(&Address::parse(email).unwrap())).await.unwrap();
    let foreign = match language {
        Language::English => ["Mensuelle", "Annuelle"],
        Language::French => ["Monthly", "Annual\n"],
    };
    // What was written before the reader chose a language is another story's.
    let subjects =
        told.iter().skip_while(|it| **it != words.say("letter-billing-trial-started-subject"));
    let subjects: Vec<&String> = subjects.collect();
    for mail in all.iter().filter(|mail| subjects.contains(&&mail.subject)) {
        assert!(
            mail.body_html.contains(&format!("<html lang=\"{}\"", language.tag())),
            "{}",
            mail.body_html
        );
        assert!(mail.body_text.contains("\n-- \nThe Fathom\n"), "{}", mail.body_text);
        for part in [&mail.body_text, &mail.body_html] {
            assert!(!foreign.iter().any(|plan| part.contains(plan)), "{part}");
        }
        let links = mail.body_html.split("href=\"").skip(1).filter_map(|it| it.split('"').next());
        for link in links.map(|link| link.replace("&#38;", "&")) {
            assert!(mail.body_text.lines().any(|line| line == link), "{link}: {}", mail.body_text);
        }
    }
    let ends_soon = words.say("letter-billing-card-expiring-subject");
    let card = all.iter().find(|mail| mail.subject == ends_soon).unwrap();
    for part in [&card.body_text, &card.body_html] {
        assert!(part.contains("01/2027") && part.contains("/mail/card?token="), "{part}");
    }
}
