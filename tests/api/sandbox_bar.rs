//! The bar at the foot of a sandbox's pages, which moves the clock.

use axum::{body::Body, http::Request};
use pressgate::{app::AppState, clock::Timestamp, http::edge::Edge};
use time::Duration;

use crate::app::{Answer, TestApp, config};

const BAR: &str = "/sandbox/bar/clock";

/// A process whose clock can be moved from outside.
async fn movable(t: &TestApp) -> Edge {
    let config = config(&t.place.url(), &[]);
    AppState::open_on_this_machine(config).await.unwrap().service().unwrap()
}

async fn send(app: &Edge, headers: &[(&str, &str)], form: &str) -> Answer {
    let mut request =
        Request::post(BAR).header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(app.clone(), request.body(Body::from(form.to_owned())).unwrap()).await
}

async fn now(app: &Edge) -> Timestamp {
    let request = Request::get("/sandbox/clock").body(Body::empty()).unwrap();
    let told = Answer::of(app.clone(), request).await.json();
    Timestamp::parse(told["now"].as_str().unwrap()).unwrap()
}

const FROM_HERE: &[(&str, &str)] = &[("sec-fetch-site", "same-origin")];

on_both_databases! {
    async fn it_moves_the_clock_and_leads_back(t: TestApp) {
        let app = movable(&t).await;
        let before = now(&app).await;
        let moved = send(&app, FROM_HERE, "days=7&return_to=%2Fdemo%2Farticles%2Fhow-tides-work").await;
        assert_eq!(moved.status, 303, "{}", moved.text());
        assert_eq!(moved.header("location"), "/demo/articles/how-tides-work");
        assert!(now(&app).await.since(before) >= Duration::days(7));
    }

    async fn it_leads_nobody_elsewhere(t: TestApp) {
        let app = movable(&t).await;
        for evil in ["https://evil.example/", "//evil.example", "/\\evil.example", "/%2fevil.example"] {
            let form = [("days", "1"), ("return_to", evil)];
            let moved = send(&app, FROM_HERE, &serde_urlencoded::to_string(form).unwrap()).await;
            assert_eq!((moved.status, moved.header("location")), (303, "/"), "{evil}");
        }
    }

    async fn other_websites_move_no_clock(t: TestApp) {
        let app = movable(&t).await;
        let before = now(&app).await;
        for headers in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "https://evil.example")],
            &[("origin", "null"), ("sec-fetch-site", "same-origin")],
            // Browsers say where a form comes from; what says nothing is asked to use the API.
            &[],
        ] {
            let refused = send(&app, headers, "days=366&return_to=%2F").await;
            assert_eq!(refused.problem(), (403, "foreign_form".to_owned()), "{headers:?}");
        }
        assert!(now(&app).await.since(before) < Duration::days(1));
    }

    async fn a_step_that_it_does_not_offer_is_none(t: TestApp) {
        let app = movable(&t).await;
        let before = now(&app).await;
        for days in ["-1", "0", "2", "99999999999999999999", "x", "", "1.5"] {
            let answer = send(&app, FROM_HERE, &format!("days={days}")).await;
            assert_eq!((answer.status, answer.header("location")), (303, "/"), "{days}");
        }
        for rubbish in ["", "return_to=%2F", "%ff=%", "days=1&days=1&hours=2"] {
            assert_eq!(send(&app, FROM_HERE, rubbish).await.status, 415, "{rubbish}");
        }
        let long = format!("days=1&return_to={}", "a".repeat(100_000));
        assert_eq!(send(&app, FROM_HERE, &long).await.status, 415);
        assert!(now(&app).await.since(before) < Duration::days(1));
    }
}
