//! A reader who logs in keeps the reads of the visitor on the same browser: one count for both,
//! never a second allowance, also after logging out.

use std::collections::HashSet;

use futures_util::future::join_all;
use pressgate::{
    access::{
        decision::ArticleAccess,
        gate::{Article, Question},
        receipt,
    },
    clock::Clock,
    ids::Ids,
};
use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;

use crate::app::{TestApp, at};

const ROUNDS: usize = 50;

/// Somebody on a site through one process: a reader where `id` is set, or just a browser.
#[derive(Clone)]
struct Asker {
    t: TestApp,
    site: String,
    id: Option<Uuid>,
}

/// What an answer says that matters here.
#[derive(Debug)]
struct Seen {
    reason: &'static str,
    used: u32,
    limit: u32,
    resets_at: Option<String>,
    explain: Vec<String>,
    visitor: Value,
}

impl Asker {
    /// A reader who has read nothing.
    fn reader(t: &TestApp, site: &str) -> Self {
        let id = Ids::system().unwrap().uuid(t.clock.now()).unwrap();
        Self { t: t.clone(), site: site.to_owned(), id: Some(id) }
    }

    fn at_process(&self, t: &TestApp) -> Self {
        Self { t: t.clone(), ..self.clone() }
    }

    fn at_site(&self, site: &str) -> Self {
        Self { site: site.to_owned(), ..self.clone() }
    }

    fn logged_out(&self) -> Self {
        Self { id: None, ..self.clone() }
    }

    /// Asks about a metered article on the browser of `visitor` (null: a new one).
    async fn ask(&self, article: &str, visitor: &Value, dry_run: bool) -> Seen {
        let gate = &self.t.state.gate;
        let site = gate.directory.site(&self.site).unwrap();
        let article =
            Article { id: article, section: None, tags: &[], access: ArticleAccess::Metered };
        let question = Question {
            article,
            visitor: visitor.as_str(),
            reader: self.id,
            dry_run,
            explain: true,
            support_code: false,
        };
        let answer = gate.ask(&site, question).await.unwrap();
        assert_eq!(answer.reader, self.id);
        let meter = answer.meter.unwrap();
        Seen {
            reason: answer.reason.as_str(),
            used: meter.used,
            limit: meter.limit,
            resets_at: meter.resets_at.map(|at| at.to_string()),
            explain: answer.explain.unwrap(),
            visitor: json!(answer.token),
        }
    }

    async fn read(&self, article: &str, visitor: &Value) -> Seen {
        self.ask(article, visitor, false).await
    }

    async fn outcome(&self, article: &str, visitor: &Value) -> (&'static str, u32) {
        let seen = self.read(article, visitor).await;
        (seen.reason, seen.used)
    }
}

/// Asks all at once, each an article of its own, in turn; which ones passed as new.
async fn all_at_once(askers: &[(Asker, Value)], articles: usize, round: usize) -> Vec<Vec<String>> {
    let reads = (0..articles).map(|i| {
        let (asker, visitor) = askers[i % askers.len()].clone();
        let article = format!("{round}-{i}");
        tokio::spawn(async move { (asker.read(&article, &visitor).await.reason, article) })
    });
    let mut passed = vec![Vec::new(); askers.len()];
    for (i, done) in join_all(reads).await.into_iter().enumerate() {
        match done.unwrap() {
            ("metered", article) => passed[i % askers.len()].push(article),
            (reason, _) => assert_eq!(reason, "meter_exhausted"),
        }
    }
    passed
}

/// Rounds of one reader and one browser, logged in and not, through `processes` at once.
async fn race_of_one_browser(processes: &[TestApp], site: &str, limit: usize) {
    for round in 0..ROUNDS {
        let reader = Asker::reader(&processes[0], site);
        let browser = processes[0].visitor().await;
        let askers: Vec<(Asker, Value)> = processes
            .iter()
            .flat_map(|process| {
                let reader = reader.at_process(process);
                [(reader.logged_out(), browser.clone()), (reader, browser.clone())]
            })
            .collect();
        let passed: HashSet<String> =
            all_at_once(&askers, 3 * limit + 9, round).await.concat().into_iter().collect();
        assert_eq!(passed.len(), limit, "round {round}");

        let browser = reader.read("new", &browser).await.visitor;
        for (asker, _) in &askers {
            for article in (0..3 * limit + 9).map(|i| format!("{round}-{i}")) {
                let reason = asker.outcome(&article, &browser).await.0;
                let was_counted = passed.contains(&article);
                let expected = if was_counted { "already_read" } else { "meter_exhausted" };
                assert_eq!(reason, expected, "round {round}, reader {:?}", asker.id);
            }
        }
    }
}

/// Rounds of one reader on two browsers, and the first of them logged out, through `processes`.
async fn race_of_two_browsers(processes: &[TestApp], site: &str, limit: usize) {
    for round in 0..ROUNDS {
        let reader = Asker::reader(&processes[0], site);
        let browsers = [processes[0].visitor().await, processes[0].visitor().await];
        let of = |i: usize| reader.at_process(&processes[i % processes.len()]);
        let askers = [
            (of(0).logged_out(), browsers[0].clone()),
            (of(1), browsers[0].clone()),
            (of(2), browsers[1].clone()),
            (of(3), browsers[0].clone()),
            (of(4), browsers[1].clone()),
        ];
        let passed = all_at_once(&askers, 5 * limit + 5, round).await;
        let count = |of: &[usize]| of.iter().map(|i| passed[*i].len()).sum::<usize>();
        assert!(count(&[0, 1, 3]) <= limit, "round {round}: the first browser, {passed:?}");
        assert!(count(&[1, 2, 3, 4]) <= limit, "round {round}: the reader, {passed:?}");
        let passed: HashSet<String> = passed.concat().into_iter().collect();
        assert!(passed.len() >= limit, "round {round}: {passed:?}");

        // Once the reader has been on both again, all of them know what passed, and nothing more.
        let first = reader.read("new", &browsers[0]).await.visitor;
        let second = reader.read("new", &browsers[1]).await.visitor;
        reader.read("new", &first).await;
        for process in processes {
            let reader = reader.at_process(process);
            let alone = reader.logged_out();
            for article in (0..5 * limit + 5).map(|i| format!("{round}-{i}")) {
                let was_counted = passed.contains(&article);
                let reason = if was_counted { "already_read" } else { "meter_exhausted" };
                let expected = (reason, u32::try_from(passed.len()).unwrap());
                for (asker, browser) in
                    [(&reader, &first), (&reader, &second), (&alone, &first), (&alone, &second)]
                {
                    assert_eq!(asker.outcome(&article, browser).await, expected, "{article}");
                }
            }
        }
    }
}

on_both_databases! {
    async fn what_the_visitor_read_counts_for_the_reader(t: TestApp) {
        let reader = Asker::reader(&t, "demo");
        let first = t.read("a", &json!(null)).await;
        t.clock.advance(Duration::days(9));
        let seen = reader.read("b", &first["visitor"]).await;
        assert_eq!((seen.reason, seen.used, seen.limit), ("meter_exhausted", 1, 1));
        assert_eq!(json!(seen.resets_at), first["meter"]["resets_at"], "as if one had read");
        assert_eq!(seen.explain[0], "A reader is logged in.");
        assert_eq!(seen.explain[3], "What the reader and this visitor read counts together.");
        assert_eq!(reader.outcome("a", &seen.visitor).await, ("already_read", 1));

        t.clock.advance(Duration::days(21));
        assert_eq!(reader.outcome("b", &seen.visitor).await, ("metered", 1), "a new window");
        assert_eq!(t.outcome("c", &seen.visitor).await.0, "meter_exhausted", "for both");
    }

    async fn a_second_device_knows_what_the_reader_read_on_the_first(t: TestApp) {
        let reader = Asker::reader(&t, "demo");
        let first = t.visitor().await;
        assert_eq!(reader.outcome("a", &first).await, ("metered", 1));
        let second = t.visitor().await;
        assert_eq!(reader.outcome("a", &second).await, ("already_read", 1));
        assert_eq!(reader.outcome("b", &second).await, ("meter_exhausted", 1));
        // A browser without a token gets one that carries the reads.
        let third = reader.read("a", &json!("rubbish")).await;
        assert_eq!(third.reason, "already_read");
        for browser in [&first, &second, &third.visitor] {
            assert_eq!(t.outcome("a", browser).await, ("already_read".to_owned(), 1));
            assert_eq!(t.outcome("b", browser).await, ("meter_exhausted".to_owned(), 1));
        }
        let another = Asker::reader(&t, "demo");
        assert_eq!(another.outcome("b", &t.visitor().await).await, ("metered", 1));
    }

    async fn logging_out_gives_nothing_and_takes_nothing(t: TestApp) {
        let t = t.site_with_limit(2).await;
        let reader = Asker::reader(&t, "limit-2");
        let visitor = t.visitor().await;
        assert_eq!(reader.outcome("a", &visitor).await, ("metered", 1));
        assert_eq!(t.outcome("b", &visitor).await, ("metered".to_owned(), 2));
        assert_eq!(t.outcome("a", &visitor).await, ("already_read".to_owned(), 2));
        assert_eq!(t.outcome("c", &visitor).await, ("meter_exhausted".to_owned(), 2));
        assert_eq!(reader.outcome("b", &visitor).await, ("already_read", 2));
        assert_eq!(reader.outcome("c", &visitor).await, ("meter_exhausted", 2));
        assert_eq!(reader.outcome("c", &t.visitor().await).await, ("meter_exhausted", 2));
    }

    async fn two_who_were_at_the_limit_are_beyond_it_together(t: TestApp) {
        let reader = Asker::reader(&t, "demo");
        let first = reader.read("a", &json!(null)).await;
        t.clock.advance(Duration::days(1));
        let visitor = t.read("b", &json!(null)).await["visitor"].clone();
        for _ in 0..2 {
            assert_eq!(reader.outcome("c", &visitor).await, ("meter_exhausted", 2));
            assert_eq!(t.outcome("c", &visitor).await, ("meter_exhausted".to_owned(), 2));
            for article in ["a", "b"] {
                assert_eq!(reader.outcome(article, &visitor).await, ("already_read", 2));
                assert_eq!(t.outcome(article, &visitor).await, ("already_read".to_owned(), 2));
            }
        }
        let seen = reader.read("c", &visitor).await;
        assert_eq!(seen.resets_at, first.resets_at, "the earlier one");
        // The reader's other browser learns of it when the reader is there again.
        assert_eq!(t.outcome("b", &first.visitor).await, ("meter_exhausted".to_owned(), 1));
        assert_eq!(reader.outcome("b", &first.visitor).await, ("already_read", 2));
        assert_eq!(t.outcome("b", &first.visitor).await, ("already_read".to_owned(), 2));
    }

    /// Another process remembers the visitor's full window from before the reader came.
    async fn a_visitor_seen_with_a_reader_is_known_to_every_process(t: TestApp) {
        let another = t.another_process().await;
        let reader = Asker::reader(&t, "demo");
        reader.read("a", &json!(null)).await;
        t.clock.advance(Duration::days(1));
        let old = t.read("b", &json!(null)).await["visitor"].clone();
        for process in [&t, &another] {
            assert_eq!(process.outcome("a", &old).await, ("meter_exhausted".to_owned(), 1));
            assert_eq!(process.outcome("b", &old).await, ("already_read".to_owned(), 1));
        }
        let token = reader.read("b", &old).await.visitor;
        assert_ne!(token, old, "the token says that a reader was there");
        assert_eq!(token.as_str().unwrap().len(), 71);
        assert_eq!(reader.read("b", &token).await.visitor, token);
        for process in [&t, &another] {
            assert_eq!(process.read("a", &token).await["visitor"], token);
            assert_eq!(process.outcome("a", &token).await, ("already_read".to_owned(), 2));
            assert_eq!(process.outcome("b", &token).await, ("already_read".to_owned(), 2));
            assert_eq!(process.outcome("c", &token).await, ("meter_exhausted".to_owned(), 2));
        }
        assert_eq!(t.outcome("a", &old).await, ("already_read".to_owned(), 2), "the same visitor");
        t.clock.advance(Duration::days(29));
        assert_eq!(another.outcome("d", &token).await, ("metered".to_owned(), 1), "a new window");
    }

    async fn a_dry_run_merges_nothing(t: TestApp) {
        let reader = Asker::reader(&t, "demo");
        let visitor = t.read("a", &json!(null)).await["visitor"].clone();
        for (article, reason) in [("a", "already_read"), ("b", "meter_exhausted")] {
            assert_eq!(reader.ask(article, &visitor, true).await.reason, reason);
        }
        let elsewhere = reader.ask("b", &json!(null), true).await;
        assert_eq!((elsewhere.reason, elsewhere.used), ("metered", 0));
        assert_eq!(elsewhere.resets_at, None);
        assert_eq!(reader.outcome("b", &t.visitor().await).await, ("metered", 1));
    }

    async fn a_read_of_yesterday_is_not_brought_along(t: TestApp) {
        let policy = json!({"rules": [{"limit": 1, "window": "day"}]});
        t.clock.set(at("2026-11-23T22:30:00Z"));
        let t = t.site("journal", "Europe/Paris", policy).await;
        let reader = Asker::reader(&t, "journal");
        let visitor = t.read("a", &json!(null)).await["visitor"].clone();
        let today = Asker::reader(&t, "journal");
        assert_eq!(today.outcome("b", &visitor).await, ("meter_exhausted", 1));

        t.clock.set(at("2026-11-23T23:00:00Z"));
        let seen = reader.read("b", &visitor).await;
        assert_eq!((seen.reason, seen.used), ("metered", 1));
        assert_eq!(seen.resets_at.as_deref(), Some("2026-11-24T23:00:00Z"));
        assert_eq!(t.outcome("c", &visitor).await, ("meter_exhausted".to_owned(), 1));
    }

    async fn sites_of_one_pool_count_a_reader_together(t: TestApp) {
        let policy = json!({"rules": [{"limit": 2, "window": "P30D", "pool": "all-titles"}]});
        let morning = t.site("morning", "UTC", policy.clone()).await;
        let evening = t.site("evening", "UTC", policy).await;
        t.state.gate.directory.refresh().await.unwrap();
        let reader = Asker::reader(&t, "morning");
        let visitor = evening.read("1", &json!(null)).await["visitor"].clone();
        assert_eq!(reader.outcome("1", &visitor).await, ("metered", 2));
        let at_evening = reader.at_site("evening");
        assert_eq!(at_evening.outcome("2", &evening.visitor().await).await, ("meter_exhausted", 2));
        assert_eq!(at_evening.outcome("1", &visitor).await, ("already_read", 2));
        assert_eq!(morning.outcome("2", &visitor).await, ("meter_exhausted".to_owned(), 2));
        let at_demo = reader.at_site("demo");
        assert_eq!(at_demo.outcome("1", &visitor).await, ("metered", 1), "demo is apart");
    }

    async fn those_who_register_may_have_more(t: TestApp) {
        let policy = json!({"rules": [
            {"audience": "registered", "limit": 3, "window": "P30D"},
            {"audience": "anonymous", "limit": 1, "window": "P30D"},
        ]});
        let t = t.site("times", "UTC", policy).await;
        let reader = Asker::reader(&t, "times");
        let visitor = t.read("a", &json!(null)).await["visitor"].clone();
        assert_eq!(t.outcome("b", &visitor).await, ("meter_exhausted".to_owned(), 1));
        let seen = reader.read("b", &visitor).await;
        assert_eq!((seen.reason, seen.used, seen.limit), ("metered", 2, 3));
        assert_eq!(reader.outcome("c", &visitor).await, ("metered", 3));
        assert_eq!(reader.outcome("d", &visitor).await, ("meter_exhausted", 3));
        // Logged out, with either token: less is free, but what was read stays so.
        for token in [&visitor, &seen.visitor] {
            for article in ["a", "b", "c"] {
                assert_eq!(t.outcome(article, token).await, ("already_read".to_owned(), 3));
            }
            let denied = t.read("d", token).await;
            assert_eq!((&denied["decision"], &denied["meter"]["limit"]), (&json!("deny"), &json!(1)));
        }
    }

    async fn a_receipt_names_the_reader(t: TestApp) {
        let reader = Asker::reader(&t, "demo").id;
        let gate = &t.state.gate;
        let site = gate.directory.site("demo").unwrap();
        let article =
            Article { id: "a", section: None, tags: &[], access: ArticleAccess::Metered };
        let question =
            Question { article, visitor: None, reader, dry_run: false, explain: false, support_code: false };
        let answer = gate.ask(&site, question).await.unwrap();
        let subject = receipt::Subject { issuer: "here", site: "demo", article: "a" };
        let key = &gate.directory.snapshot().keys.receipt;
        let receipt = receipt::sign(key, subject, &answer).unwrap();
        let claims: Value = jsonwebtoken::dangerous::insecure_decode(&receipt).unwrap().claims;
        assert_eq!(claims["sub"], json!(reader.unwrap()));
    }

    async fn a_reader_and_the_browser_together_pass_exactly_the_limit(t: TestApp) {
        let t = t.site_with_limit(5).await;
        race_of_one_browser(&[t], "limit-5", 5).await;
    }

    async fn two_processes_pass_exactly_the_limit_to_a_reader_and_the_browser(t: TestApp) {
        let t = t.site_with_limit(5).await;
        let another = t.another_process().await;
        race_of_one_browser(&[t, another], "limit-5", 5).await;
    }

    async fn three_processes_pass_exactly_one_to_a_reader_and_the_browser(t: TestApp) {
        let processes = [t.clone(), t.another_process().await, t.another_process().await];
        race_of_one_browser(&processes, "demo", 1).await;
    }

    async fn a_reader_on_two_browsers_gets_no_second_allowance(t: TestApp) {
        let t = t.site_with_limit(3).await;
        race_of_two_browsers(&[t], "limit-3", 3).await;
    }

    async fn nor_from_two_processes(t: TestApp) {
        let t = t.site_with_limit(3).await;
        let another = t.another_process().await;
        race_of_two_browsers(&[t, another], "limit-3", 3).await;
    }
}
