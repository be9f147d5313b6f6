//! "Why was I walled?": decisions of the past, by support code, browser and reader.

use axum::{
    body::Body,
    http::{Method, Request},
};
use pressgate::{
    access::{
        decision::ArticleAccess,
        gate::{Article, Question},
        log::code::SupportCode,
    },
    auth::staff::model::Role,
    clock::Clock,
    upkeep::forget,
};
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{Answer, START, TestApp, at},
    back_office::{hire, token_of},
    readers::ANNA,
};

async fn look(t: &TestApp, token: &str, query: &str) -> Answer {
    t.call(Method::GET, &format!("/v1/staff/decisions{query}"), token, None).await
}

async fn support(t: &TestApp) -> String {
    hire(t, Role::Support).await;
    token_of(t, Role::Support).await
}

/// A visitor at the wall of the demonstration: the token, and the support code of the wall.
async fn walled(t: &TestApp) -> (Value, String) {
    let visitor = t.read("tides", &Value::Null).await["visitor"].clone();
    let body = json!({"article": {"id": "bread"}, "visitor": visitor, "support_code": true});
    let denied = t.access(body).await.json();
    assert_eq!(denied["reason"], "meter_exhausted");
    (visitor, denied["support_code"].as_str().unwrap().to_owned())
}

fn lines(value: &Value) -> String {
    let lines = value.as_array().unwrap().iter().map(|line| line.as_str().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

on_both_databases! {
    async fn a_support_code_leads_to_its_decision(t: TestApp) {
        let staff = support(&t).await;
        let (visitor, code) = walled(&t).await;
        assert_eq!(code.len(), 14, "{code}");
        let said = code.to_lowercase().replace('-', "%20");
        for name in [&code, &said] {
            let answer = look(&t, &staff, &format!("/{name}")).await;
            assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
            let found = answer.json();
            let decision = &found["decision"];
            assert_eq!((&decision["reason"], &decision["site"]), (&json!("meter_exhausted"), &json!("demo")));
            assert_eq!(decision["meter"]["used"], 1);
            assert_eq!(decision["support_code"], code.as_str());
            let told = lines(&decision["explain"]);
            assert!(told.contains("Rule 1 applied to") && told.contains("1 of 1 used"), "{told}");
            assert!(lines(&found["now"]).contains("So: deny, because `meter_exhausted`."));
        }
        // The same wall within minutes is the same decision; later it is another.
        let body = json!({"article": {"id": "bread"}, "visitor": visitor, "support_code": true});
        let again = t.access(body.clone()).await.json();
        assert_eq!(again["support_code"], code.as_str());
        t.clock.advance(Duration::minutes(10));
        let later = t.access(body).await.json()["support_code"].as_str().unwrap().to_owned();
        assert_ne!(later, code);
        let token = visitor.as_str().unwrap();
        let found = look(&t, &staff, &format!("?visitor={token}")).await.json();
        let reasons: Vec<&Value> =
            found["decisions"].as_array().unwrap().iter().map(|it| &it["reason"]).collect();
        assert_eq!(reasons, ["meter_exhausted", "meter_exhausted", "metered"]);
        let id = found["decisions"][0]["id"].as_str().unwrap();
        let by_id = look(&t, &staff, &format!("/{id}")).await.json();
        assert_eq!(by_id["decision"]["support_code"], later.as_str());
        // When the window is over, the past stays what it was, and now is told apart.
        t.clock.advance(Duration::days(30));
        let staff = token_of(&t, Role::Support).await;
        let found = look(&t, &staff, &format!("/{later}")).await.json();
        assert!(lines(&found["decision"]["explain"]).contains("So: deny"));
        assert!(lines(&found["now"]).contains("So: allow, because `metered`."), "{found}");
    }

    async fn only_staff_who_may_see_readers_see_decisions(t: TestApp) {
        let (_, code) = walled(&t).await;
        let reader = t.reader(ANNA).await;
        hire(&t, Role::Viewer).await;
        let viewer = token_of(&t, Role::Viewer).await;
        for path in [format!("/{code}"), format!("?reader={}", reader.reader)] {
            let answer = look(&t, "", &path).await;
            assert_eq!(answer.problem(), (401, "invalid_token".to_owned()));
            let answer = look(&t, &reader.access, &path).await;
            assert_eq!(answer.problem(), (401, "invalid_token".to_owned()));
            let answer = look(&t, &viewer, &path).await;
            assert_eq!(answer.problem(), (403, "not_permitted".to_owned()));
        }
    }

    async fn what_is_forged_or_wrong_names_its_field_and_finds_nothing(t: TestApp) {
        let staff = support(&t).await;
        let (visitor, code) = walled(&t).await;
        let mut other: Vec<char> = code.chars().collect();
        other[0] = if other[0] == '7' { '8' } else { '7' };
        let other: String = other.into_iter().collect();
        for name in [other.as_str(), "x", "%00", "7KQ2", "..%2Faudit", "%27%20OR%201=1--", "%FF"] {
            let answer = look(&t, &staff, &format!("/{name}")).await;
            assert_eq!(answer.problem(), (404, "not_found".to_owned()), "{name}");
        }
        let token = visitor.as_str().unwrap();
        let forged = format!("{}A", &token[..token.len() - 1]);
        for (query, field) in [
            ("", "reader"),
            ("reader=7", "reader"),
            ("email=nobody%40example.org", "email"),
            ("email=x", "email"),
            (&*format!("visitor={forged}x"), "visitor"),
            (&*format!("visitor={token}&at=yesterday"), "at"),
            (&*format!("visitor={token}&site=nowhere"), "site"),
            (&*format!("visitor={token}&article=bread"), "site"),
            (&*format!("visitor={token}&limit=0"), "limit"),
            (&*format!("visitor={token}&limit=201"), "limit"),
            (&*format!("visitor={token}&limit=-1"), "limit"),
            (&*format!("visitor={token}&cursor=%27"), "cursor"),
            (&*format!("visitor={token}&site=demo&article={}", "a".repeat(201)), "article"),
            ("unknown=1", "query"),
        ] {
            let answer = look(&t, &staff, &format!("?{query}")).await;
            assert_eq!(answer.fields()[0].0, field, "{query}");
        }
        let unknown = look(&t, &staff, "?reader=00000000-0000-7000-8000-000000000000").await;
        assert_eq!(unknown.problem(), (404, "not_found".to_owned()));
    }

    async fn any_moment_of_the_past_is_told(t: TestApp) {
        let before = t.clock.now();
        t.clock.advance(Duration::HOUR);
        let (visitor, _) = walled(&t).await;
        let between = t.clock.now();
        t.clock.advance(Duration::HOUR);
        let staff = support(&t).await;
        let token = visitor.as_str().unwrap();
        let told = async |article: &str, moment| {
            let query = format!("?visitor={token}&site=demo&article={article}&at={moment}");
            let found = look(&t, &staff, &query).await;
            assert_eq!(found.status, 200, "{}", found.text());
            lines(&found.json()["then"])
        };
        let nothing = told("bread", before).await;
        assert!(nothing.contains("nothing was counted or refused"), "{nothing}");
        let wall = told("bread", between).await;
        assert!(wall.contains("deny, because `meter_exhausted`"), "{wall}");
        assert!(wall.contains("had used 1 of 1") && wall.contains("the wall"), "{wall}");
        let again = told("tides", between).await;
        assert!(again.contains("allow, because `metered`"), "{again}");
        assert!(again.contains("free to read again"), "{again}");
        let early = told("tides", at("2026-01-01T00:00:00Z")).await;
        assert!(early.contains("is not kept any more"), "{early}");
    }

    async fn a_readers_decisions_are_found_exported_and_erased(t: TestApp) {
        let staff = support(&t).await;
        let anna = t.reader(ANNA).await;
        let ask = json!({"article": {"id": "vault", "access": "subscribers"}, "reader": anna.access,
                         "support_code": true});
        let code = t.access(ask.clone()).await.json()["support_code"].as_str().unwrap().to_owned();
        let found = look(&t, &staff, "?email=anna%40example.org").await.json();
        assert_eq!(found["decisions"].as_array().unwrap().len(), 1, "{found}");
        let told = lines(&found["decisions"][0]["explain"]);
        assert!(told.contains("A reader was logged in, without a subscription."), "{told}");
        assert!(told.contains("for subscribers only"), "{told}");
        let export = t.call(Method::GET, "/v1/me/export", &anna.access, None).await.json();
        assert_eq!(export["decisions"][0]["reason"], "subscription_required");
        let erased = t.call(Method::DELETE, "/v1/me", &anna.access, None).await;
        assert_eq!(erased.status, 204);
        let gone = look(&t, &staff, &format!("/{code}")).await;
        assert_eq!(gone.problem(), (404, "not_found".to_owned()));
        // A token that is still good on some website leaves no row of the erased reader.
        t.clock.advance(Duration::minutes(11));
        let denied = t.access(ask).await;
        if denied.status == 200 {
            let code = denied.json()["support_code"].as_str().unwrap().to_owned();
            let gone = look(&t, &staff, &format!("/{code}")).await;
            assert_eq!(gone.problem(), (404, "not_found".to_owned()));
        }
        let gone = look(&t, &staff, &format!("?reader={}", anna.reader)).await;
        assert_eq!(gone.problem(), (404, "not_found".to_owned()));
    }

    async fn what_is_old_is_forgotten_in_steps(t: TestApp) {
        let (_, code) = walled(&t).await;
        t.state.gate.log.flush().await;
        t.clock.advance(Duration::days(31));
        forget(&t.state.databases.main, &*t.clock, t.state.config.decisions).await.unwrap();
        let staff = support(&t).await;
        let gone = look(&t, &staff, &format!("/{code}")).await;
        assert_eq!(gone.problem(), (404, "not_found".to_owned()));
    }

    async fn pages_of_decisions_follow_each_other(t: TestApp) {
        let staff = support(&t).await;
        let (visitor, _) = walled(&t).await;
        for i in 0..5 {
            t.read(&format!("other-{i}"), &visitor).await;
        }
        let token = visitor.as_str().unwrap();
        let (mut cursor, mut seen) = (String::new(), 0);
        loop {
            let query = format!("?visitor={token}&limit=3&cursor={cursor}");
            let page = look(&t, &staff, &query).await.json();
            seen += page["decisions"].as_array().unwrap().len();
            match page["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        assert_eq!(seen, 7);
    }

    async fn the_demonstrations_wall_shows_a_code_that_works(t: TestApp) {
        let first = t.get("/demo/articles/how-tides-work").await;
        let mut cookies = first.headers.get_all("set-cookie").iter().map(|it| it.to_str().unwrap());
        let ours = |cookie: &&str| cookie.starts_with("pressgate_visitor=");
        let cookie = cookies.find(ours).unwrap().split(';').next().unwrap();
        let request = Request::get("/demo/articles/why-bread-rises").header("cookie", cookie);
        let wall = t.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(wall.status, 402);
        let text = wall.text();
        let (_, rest) = text.split_once("Support code: <code>").unwrap();
        let (code, _) = rest.split_once('<').unwrap();
        code.parse::<SupportCode>().unwrap();
        let staff = support(&t).await;
        assert_eq!(look(&t, &staff, &format!("/{code}")).await.status, 200);
    }

    async fn an_answer_holds_a_code_only_where_it_is_asked_for_and_denied(t: TestApp) {
        let (visitor, _) = walled(&t).await;
        let plain = t.read("bread", &visitor).await;
        assert!(plain.get("support_code").is_none(), "{plain}");
        let ask = json!({"article": {"id": "tides"}, "visitor": visitor, "support_code": true});
        assert!(t.access(ask).await.json().get("support_code").is_none());
        let dry = json!({"article": {"id": "bread"}, "visitor": visitor, "support_code": true,
                         "dry_run": true});
        assert!(t.access(dry).await.json().get("support_code").is_none());
    }
}

/// What does not fit is left out, and told as left out; no reader waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_left_out_and_told() {
    let place = crate::place::Place::sqlite();
    let clock = std::sync::Arc::new(pressgate::clock::ManualClock::at(at(START)));
    let settings = [
        ("PRESSGATE__DECISIONS__QUEUE_MAX", "1"),
        ("PRESSGATE__DECISIONS__ROWS_PER_SECOND", "1000"),
    ];
    let t = TestApp::open(place, clock, &settings).await.unwrap();
    let visitor = t.read("tides", &Value::Null).await["visitor"].clone();
    let site = t.state.gate.directory.site("demo").unwrap();
    let ids: Vec<String> = (0..200).map(|i| format!("a{i}")).collect();
    for id in &ids {
        let article = Article { id, section: None, tags: &[], access: ArticleAccess::default() };
        let question = Question {
            article,
            visitor: visitor.as_str(),
            reader: None,
            dry_run: false,
            explain: false,
            support_code: false,
        };
        t.state.gate.ask(&site, question).await.unwrap();
    }
    let staff = support(&t).await;
    let query = format!("?visitor={}", visitor.as_str().unwrap());
    let found = look(&t, &staff, &query).await.json();
    assert!(lines(&found["then"]).contains("were not written down"), "{found}");
    assert!(t.state.metrics.render().contains("pressgate_decisions_lost_total"));
    assert!(!t.state.metrics.render().contains("pressgate_decisions_lost_total 0"));
}

/// Where nothing is kept, walls show no code.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_may_keep_nothing() {
    let place = crate::place::Place::sqlite();
    let clock = std::sync::Arc::new(pressgate::clock::ManualClock::at(at(START)));
    let t = TestApp::open(place, clock, &[("PRESSGATE__DECISIONS__KEEP_DAYS", "0")]).await.unwrap();
    let ask = json!({"article": {"id": "vault", "access": "subscribers"}, "support_code": true});
    let denied = t.access(ask).await.json();
    assert_eq!(denied["decision"], "deny");
    assert!(denied.get("support_code").is_none());
}
