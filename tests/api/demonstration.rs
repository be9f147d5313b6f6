//! The newspaper that a newcomer sees first.

use axum::{body::Body, extract::Request};
use pressgate::demo::newspaper::Newspaper;

use crate::{
    app::{Answer, TestApp},
    reader_pages::signed_up,
};

async fn open(t: &TestApp, path: &str, cookie: &str) -> Answer {
    t.send(Request::get(path).header("cookie", cookie).body(Body::empty()).unwrap()).await
}

/// The visitor's cookie; the box for the newsletter has one of its own.
fn cookie(answer: &Answer) -> String {
    let set = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let pairs = set.map(|set| set.split(';').next().unwrap());
    let mut visitors = pairs.filter(|pair| !pair.starts_with("pressgate_form="));
    visitors.next().unwrap_or_default().to_owned()
}

fn escaped(text: &str) -> String {
    askama::filters::escape(text, askama::filters::Html).unwrap().to_string()
}

on_both_databases! {
    async fn the_first_article_is_whole_and_the_second_ends_at_the_wall(t: TestApp) {
        let paper = Newspaper::load().unwrap();
        let front = t.get("/demo/").await;
        assert_eq!(front.status, 200);
        assert!(front.text().contains("1 free article left"));
        assert_eq!(front.header("set-cookie"), "", "looking at the front page counts nothing");

        let tides = paper.find("how-tides-work").unwrap();
        let first = t.get("/demo/articles/how-tides-work").await;
        assert_eq!(first.status, 200);
        let page = first.text();
        assert!(tides.paid().iter().all(|block| page.contains(&escaped(block.text()))));
        assert!(page.contains("No free articles left until 23 December"));

        let visitor = cookie(&first);
        let bread = paper.find("why-bread-rises").unwrap();
        let second = open(&t, "/demo/articles/why-bread-rises", &visitor).await;
        assert_eq!(second.status, 402);
        let page = second.text();
        assert!(bread.lead_in().iter().all(|block| page.contains(&escaped(block.text()))));
        assert!(bread.paid().iter().all(|block| !page.contains(&escaped(block.text()))));

        let again = open(&t, "/demo/articles/how-tides-work", &visitor).await;
        assert_eq!(again.status, 200);
        let front = open(&t, "/demo/", &visitor).await.text();
        assert!(front.contains("No free articles left until 23 December"));
    }

    async fn the_wall_says_what_is_offered_with_prices_from_the_catalog(t: TestApp) {
        let visitor = cookie(&t.get("/demo/articles/how-tides-work").await);
        let page = open(&t, "/demo/articles/why-bread-rises", &visitor).await.text();
        for words in [
            "You’ve reached your limit of one free article",
            "unlimited access",
            "ad-free reading",
            "the weekly digital magazine",
            "nine newsletters",
            "the archives",
            "30 days free, then $2.90 a month",
            "$19.90 a year",
            "Best value",
            "Save $14.90",
            "You can cancel anytime",
            "Log in",
            "\"isAccessibleForFree\":false",
            "\"cssSelector\":\".paid\"",
        ] {
            assert!(page.contains(words), "{words}");
        }
    }

    async fn every_link_on_the_front_page_leads_somewhere(t: TestApp) {
        let page = t.get("/demo/").await.text();
        let links: Vec<&str> =
            page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(links.len() > 12, "{links:?}");
        for link in links.iter().filter(|link| link.starts_with('/')) {
            let path = link.split('#').next().unwrap();
            assert_eq!(t.get(path).await.status, 200, "{link}");
        }
    }

    async fn a_way_around_the_path_is_no_way_around_the_wall(t: TestApp) {
        let visitor = cookie(&t.get("/demo/articles/how-tides-work").await);
        let paper = Newspaper::load().unwrap();
        let bread = paper.find("why-bread-rises").unwrap();
        for path in [
            "/demo/articles/why-bread-rises/", "/demo//articles/why-bread-rises",
            "/demo/articles/why%2Dbread-rises", "/demo/articles/Why-Bread-Rises",
            "/demo/articles/why-bread-rises%00", "/demo/articles/why-bread-rises/x.css",
            "/demo/articles/why-bread-rises;.css", "/demo/articles/why-bread-rises.css",
            "/demo/articles/./why-bread-rises", "/demo/articles/why-bread-rises%20",
            "/demo/articles/%77hy-bread-rises", "/demo/articles/x",
        ] {
            let answer = open(&t, path, &visitor).await;
            assert_eq!(answer.status, 404, "{path}");
            let page = answer.text();
            assert!(bread.paid().iter().all(|block| !page.contains(&escaped(block.text()))));
        }
        let with_query = open(&t, "/demo/articles/why-bread-rises?free=1", &visitor).await;
        assert_eq!(with_query.status, 402);
    }

    async fn pages_load_nothing_from_elsewhere_and_sit_in_no_frame(t: TestApp) {
        for path in ["/", "/demo/", "/demo/articles/how-tides-work", "/demo/nowhere",
                     "/subscribe?plan=monthly&return_to=https://elsewhere.example"] {
            let answer = t.get(path).await;
            let policy = answer.header("content-security-policy");
            for rule in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
                assert!(policy.contains(rule), "{path}: {policy}");
            }
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            let policy = if path.starts_with("/subscribe") { "strict-origin" } else { "same-origin" };
            assert_eq!(answer.header("referrer-policy"), policy, "{path}");
            assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
            assert!(!answer.text().contains("href=\"https://elsewhere.example"), "{path}");
        }
    }

    async fn the_header_leads_those_who_are_logged_in_to_their_account(t: TestApp) {
        let path = "/demo/articles/how-tides-work";
        let stranger = t.get(path).await.text();
        assert!(stranger.contains("href=\"/login\"") && !stranger.contains("href=\"/account\""));
        // Without a subscription the meter counts, and the wall is the same but for one line.
        let mut reader = signed_up(&t, "anna@example.org").await;
        reader.open(path).await;
        for path in [path, "/demo/articles/why-bread-rises", "/demo/"] {
            let page = reader.open(path).await.text();
            assert!(page.contains("href=\"/account\"") && !page.contains("/login"), "{path}: {page}");
        }
    }

    async fn the_start_page_shows_the_ways_on(t: TestApp) {
        let page = t.get("/").await;
        assert_eq!(page.status, 200);
        for link in ["/demo/", "/docs"] {
            assert!(page.text().contains(link), "{link}");
        }
    }
}
