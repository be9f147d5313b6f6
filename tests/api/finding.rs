//! Staff find anybody: by an address, mistyped or in part, an id, a number, a card, a reference; in
//! lists by filters, page by page; and take lists away as tables.

use axum::http::Method;
use pressgate::{auth::staff::model::Role, clock::Clock, reader::search::store as search, upkeep};
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{Answer, TestApp, eventually},
    back_office::{hire, token_of},
    billing::OK,
    readers::{ANNA, Tokens},
};

/// Somebody at the back office.
struct Clerk {
    t: TestApp,
    role: Role,
}

impl Clerk {
    async fn hired(t: &TestApp, role: Role) -> Self {
        hire(t, role).await;
        Self { t: t.clone(), role }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let token = token_of(&self.t, self.role).await;
        self.t.call(method, &format!("/v1/staff/{path}"), &token, body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    async fn read(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// The ids on all pages of a list, each of at most `most`.
    async fn listed(&self, list: &str, query: &str, most: usize) -> Vec<String> {
        let mut ids = Vec::new();
        let mut cursor = String::new();
        loop {
            assert!(ids.len() < 1_000, "{list} has no end");
            let page = self.read(&format!("{list}?{query}&limit={most}&cursor={cursor}")).await;
            let entries = page[list].as_array().unwrap();
            assert!(entries.len() <= most);
            ids.extend(entries.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()));
            match page["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => return ids,
            }
        }
    }

    /// The addresses of the readers who are found.
    async fn readers(&self, q: &str) -> Vec<String> {
        let q = serde_urlencoded::to_string([("q", q)]).unwrap();
        let page = self.read(&format!("readers?{q}")).await;
        let email = |entry: &Value| entry["email"].as_str().unwrap().to_owned();
        page["readers"].as_array().unwrap().iter().map(email).collect()
    }

    /// The kinds and the ids of what one text can mean.
    async fn hits(&self, q: &str) -> Vec<(String, String)> {
        let q = serde_urlencoded::to_string([("q", q)]).unwrap();
        let found = self.read(&format!("search?{q}")).await;
        let hit = |hit: &Value| {
            let kind = hit["type"].as_str().unwrap().to_owned();
            let id = hit[&kind]["id"].as_str().unwrap().to_owned();
            (kind, id)
        };
        found["hits"].as_array().unwrap().iter().map(hit).collect()
    }
}

fn kinds(hits: &[(String, String)]) -> Vec<&str> {
    hits.iter().map(|(kind, _)| kind.as_str()).collect()
}

/// A reader whose month was paid just now.
async fn paid(t: &TestApp, email: &str, plan: &str) -> (Tokens, String) {
    let reader = t.reader(email).await;
    let order = json!({"plan": plan, "payment_method": OK, "trial": false});
    let begun = t.subscribe(&reader, order).await;
    assert_eq!(begun.status, 201, "{}", begun.text());
    (reader, begun.json()["id"].as_str().unwrap().to_owned())
}

/// Changes rows behind everybody's back.
async fn tamper(t: &TestApp, sql: &'static str) {
    let mut tx = t.state.databases.main.write().await.unwrap();
    tx.query(sql).execute().await.unwrap();
    tx.commit().await.unwrap();
}

on_both_databases! {
    async fn a_reader_is_found_by_any_part_of_the_address_also_mistyped(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let smith = "anna.b-smith42@example.org";
        t.reader(smith).await;
        t.reader("bert@other.example").await;
        for q in [
            smith, "ANNA.B-Smith42@Example.ORG", " anna.b-smith42@exa", "anna.b", "smith42", "smith",
            "anna b smith", "@example.org", "@exam", "Annab",
            // Mistakes: left out, added, mistaken, swapped; in the name, in the domain.
            "anna.b-smth42@example.org", "anna.b-smithh42@example.org", "anma.b-smith42@example.org",
            "anna.b-simth42@example.org", "anna.b-smith42@exmaple.org", "anna.b-smith42@example.or",
            "smtih42", "smith4", "annab-smit42",
        ] {
            assert_eq!(support.readers(q).await, [smith], "{q}");
        }
        for q in ["%nna%", "a_na.b", "%", "_", "\\", "'", "carla", "ith42", "@", "@@", "anna.b-smith42@example.net.org"] {
            assert_eq!(support.readers(q).await, [""; 0], "{q}");
        }
        // Exact, then those that begin so, then what is near; and where one is named, only that.
        for email in ["ann@x.org", "anne@x.org", "anna@x.org", "anna.lee@x.org"] {
            t.reader(email).await;
        }
        assert_eq!(support.readers("anna").await[0], "anna@x.org");
        assert_eq!(support.readers("ann@x.org").await, ["ann@x.org"]);
        assert_eq!(support.readers("annb@x.org").await, ["ann@x.org", "anna@x.org", "anne@x.org"]);
    }

    async fn a_changed_address_is_found_and_the_old_one_and_the_erased_are_not(t: TestApp) {
        let admin = Clerk::hired(&t, Role::Admin).await;
        let anna = t.reader(ANNA).await;
        let mut tx = t.state.databases.main.write().await.unwrap();
        let moved = pressgate::mail::address::Address::parse("zoe@new.example").unwrap();
        let id = anna.reader.parse().unwrap();
        pressgate::reader::store::set_email(&mut tx, id, &moved, t.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(admin.readers("anna").await, [""; 0]);
        assert_eq!(admin.readers("zoe").await, ["zoe@new.example"]);
        assert_eq!(admin.call(Method::DELETE, &format!("readers/{id}"), None).await.status, 204);
        for q in ["zoe", "zoe@new.example", "@new.example", &anna.reader] {
            assert_eq!(admin.readers(q).await, [""; 0], "{q}");
        }
        let mut tx = t.state.databases.main.read().await.unwrap();
        let words: Vec<(String,)> = tx.query("SELECT word FROM reader_search LIMIT 9").all().await.unwrap();
        assert_eq!(words, []);
    }

    async fn readers_from_before_the_search_become_searchable_step_by_step(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        t.reader(ANNA).await;
        tamper(&t, "DELETE FROM reader_search").await;
        tamper(&t, "UPDATE readers SET searchable = FALSE").await;
        assert_eq!(support.readers("anna").await, [""; 0]);
        upkeep::forget(&t.state.databases.main, &*t.clock, t.state.config.decisions).await.unwrap();
        assert_eq!(support.readers("anna").await, [ANNA]);
        let mut tx = t.state.databases.main.write().await.unwrap();
        assert_eq!(search::catch_up(&mut tx, 10).await.unwrap(), 0, "once");
    }

    async fn one_box_finds_readers_subscriptions_and_invoices(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (anna, id) = paid(&t, ANNA, "annual").await;
        let (bert, _) = paid(&t, "bert@example.org", "monthly").await;
        let (reader, subscription) = (("reader".to_owned(), anna.reader.clone()), ("subscription".to_owned(), id.clone()));
        for q in ["anna", ANNA, "anma@example.org", &anna.reader] {
            assert_eq!(support.hits(q).await, [reader.clone(), subscription.clone()], "{q}");
        }
        assert_eq!(support.hits(&id).await, std::slice::from_ref(&subscription));
        for q in ["2026-000001", "ch_1", &support.hits("2026-000001").await[0].1] {
            let hits = support.hits(q).await;
            assert_eq!(kinds(&hits), ["invoice", "subscription"], "{q}");
            assert_eq!(hits[1], subscription, "{q}");
        }
        let listed = support.read("subscriptions?q=2026-000002").await;
        assert_eq!(listed["subscriptions"][0]["reader"]["id"], bert.reader.as_str());
        let mut tx = t.state.databases.main.read().await.unwrap();
        let last4: (String,) = tx.query("SELECT method_last4 FROM subscriptions LIMIT 1").optional().await.unwrap().unwrap();
        drop(tx);
        assert_eq!(kinds(&support.hits(&last4.0).await), ["subscription", "subscription"]);
        for q in ["2026-999999", "ch_", "0000", "nobody", "%"] {
            assert_eq!(support.hits(q).await, [], "{q}");
        }
    }

    async fn whoever_may_not_see_readers_finds_what_they_may_see(t: TestApp) {
        let viewer = Clerk::hired(&t, Role::Viewer).await;
        paid(&t, ANNA, "annual").await;
        assert_eq!(kinds(&viewer.hits("anna").await), [""; 0], "an address tells them nothing");
        assert_eq!(kinds(&viewer.hits("2026-000001").await), ["invoice", "subscription"]);
        assert_eq!(viewer.get("readers?q=anna").await.problem().0, 403);
        assert_eq!(viewer.get("subscriptions.csv").await.problem().0, 403);
    }

    async fn whatever_is_typed_is_looked_for_or_refused(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        paid(&t, ANNA, "annual").await;
        let long = "a".repeat(10_000);
        let longest = "a".repeat(254);
        let odd = format!("{}@{}", "ß".repeat(60), "é".repeat(100));
        for (q, fits) in [
            (&*long, false), ("a\0b", false), ("a\u{1b}[31m", false), ("a\nb", false), ("a\u{85}b", false),
            (&*longest, true), (&odd, true), ("' OR 1=1 --", true), ("%", true), ("_", true), ("\\", true),
            ("\\%", true), ("anna@example.org'", true), ("\u{202e}anna", true), ("\u{10ffff}", true),
            ("💥💥💥💥", true), ("<script>", true), ("{}", true), ("@", true), ("a@b@c", true),
        ] {
            let query = serde_urlencoded::to_string([("q", q)]).unwrap();
            for list in ["search", "readers", "subscriptions"] {
                let answer = support.get(&format!("{list}?{query}")).await;
                if fits {
                    assert_eq!(answer.status, 200, "{list} {q}: {}", answer.text());
                    let found = answer.json();
                    let of = if list == "search" { "hits" } else { list };
                    let wild = found[of].as_array().unwrap().len();
                    assert!(wild == 0 || q.contains("anna"), "{list} {q}: {found}");
                } else {
                    assert_eq!(answer.parameters()[0].0, "q", "{list} {q:?}");
                }
            }
        }
        for query in ["", "?q=", "?q=%20", "?q=a&q=b", "?p=a"] {
            assert_eq!(support.get(&format!("search{query}")).await.parameters().len(), 1, "{query}");
        }
        let bytes = support.get("search?q=%ff%fe").await;
        assert!([200, 400].contains(&bytes.status), "{}", bytes.text());
    }

    async fn lists_narrow_by_each_filter(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (anna, annual) = paid(&t, ANNA, "annual").await;
        t.clock.advance(Duration::DAY);
        let trial = t.subscribed(&t.reader("bert@example.org").await, "monthly", OK).await;
        t.clock.advance(Duration::DAY);
        let (carl, ended) = paid(&t, "carl@example.org", "monthly").await;
        let _ = (&anna, &carl);
        let end = support.call(Method::POST, &format!("subscriptions/{ended}/cancel"), Some(json!({"at": "now"}))).await;
        assert_eq!(end.status, 200, "{}", end.text());
        let all = vec![ended.clone(), trial.clone(), annual.clone()];
        for (query, expected) in [
            ("", all.clone()),
            ("site=demo", all.clone()),
            ("status=canceled", vec![ended.clone()]),
            ("plan=monthly", vec![ended.clone(), trial.clone()]),
            ("plan=monthly&status=trialing", vec![trial.clone()]),
            ("end_reason=canceled_by_staff", vec![ended.clone()]),
            ("end_reason=erased", vec![]),
            ("created_from=2026-11-24", vec![ended.clone(), trial.clone()]),
            ("created_to=2026-11-24", vec![trial.clone(), annual.clone()]),
            ("created_from=2026-11-24&created_to=2026-11-24", vec![trial.clone()]),
            ("created_from=2026-11-24T04:05:06Z&created_to=2026-11-24T04:05:06Z", vec![]),
            ("ended_from=2026-11-25", vec![ended.clone()]),
            ("ended_to=2026-11-24", vec![]),
            ("ended_from=2026-11-25&sort=created&plan=monthly", vec![ended.clone()]),
            ("trial_ending_within=60", vec![trial.clone()]),
            ("trial_ending_within=1", vec![]),
            ("payment_failed=true", vec![]),
            ("payment_failed=false&sleeping=false", all.clone()),
            ("sort=ended", vec![ended.clone()]),
            ("sort=next_charge", vec![trial.clone(), annual.clone()]),
            ("q=bert&plan=monthly&sort=next_charge", vec![trial.clone()]),
            ("q=carl&sort=ended", vec![ended.clone()]),
            ("q=carl&status=active", vec![]),
        ] {
            for most in [1, 2, 200] {
                assert_eq!(support.listed("subscriptions", query, most).await, expected, "{query}");
            }
        }
    }

    async fn who_pays_late_and_who_sleeps_can_be_listed(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let anna = t.reader(ANNA).await;
        let late = t.subscribed(&anna, "monthly", "pm_sandbox_declined").await;
        let (_, asleep) = paid(&t, "bert@example.org", "annual").await;
        t.settle_until(t.clock.now().plus(Duration::days(31))).await;
        let failed = support.listed("subscriptions", "payment_failed=true", 9).await;
        assert_eq!(failed, std::slice::from_ref(&late));
        assert_eq!(support.listed("subscriptions", "sleeping=true", 1).await.len(), 2);
        let read = json!({"article": {"id": "x"}, "reader": t.fresh(&anna).await.access});
        let answer = t.access(read).await;
        assert_eq!(answer.json()["decision"], "allow", "{}", answer.text());
        eventually("the read is noted", async || {
            support.listed("subscriptions", "sleeping=true", 9).await == [asleep.clone()]
        }).await;
        let export = support.read(&format!("readers/{}/export", anna.reader)).await;
        assert_eq!(export["reader"]["last_read_at"], t.clock.now().to_string());
    }

    async fn what_a_list_cannot_take_is_named(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        paid(&t, ANNA, "annual").await;
        let long = format!("plan={}", "x".repeat(101));
        for (query, field) in [
            ("status=unpaid", "status"), ("status=Active", "status"), ("plan=a%00", "plan"), (&*long, "plan"),
            ("site=nowhere", "site"), ("site=%07", "site"), ("created_from=yesterday", "created_from"),
            ("created_from=2026-02-30", "created_from"), ("created_to=99999-01-01", "created_to"),
            ("created_from=2026-11-02&created_to=2026-11-01", "created_to"),
            ("ended_from=-001-01-01", "ended_from"), ("ended_to=2026-11-01T00:00:00", "ended_to"),
            ("end_reason=bored", "end_reason"), ("payment_failed=yes", "payment_failed"),
            ("sleeping=1", "sleeping"), ("trial_ending_within=0", "trial_ending_within"),
            ("trial_ending_within=367", "trial_ending_within"), ("trial_ending_within=-1", "trial_ending_within"),
            ("trial_ending_within=99999999999999999999", "trial_ending_within"),
            ("sort=price", "sort"), ("sort=created%3B--", "sort"), ("limit=0", "limit"), ("limit=201", "limit"),
            ("limit=1e2", "limit"), ("cursor=x", "cursor"), ("page=2", "query"), ("status=active&status=paused", "query"),
        ] {
            let answer = support.get(&format!("subscriptions?{query}")).await;
            assert_eq!(answer.parameters()[0].0, field, "{query}");
        }
        for (query, field) in [("limit=0", "limit"), ("limit=201", "limit"), ("cursor=x", "cursor"), ("x=1", "query"), ("q=a&email=b", "email")] {
            assert_eq!(support.get(&format!("readers?{query}")).await.parameters()[0].0, field, "{query}");
        }
        for (query, field) in [("status=late", "status"), ("created_from=x", "created_from"), ("cursor=x", "cursor"), ("limit=0", "limit"), ("q=a", "query")] {
            assert_eq!(support.get(&format!("invoices?{query}")).await.parameters()[0].0, field, "{query}");
        }
    }

    async fn a_cursor_opens_its_own_list_and_no_other(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        for i in 0..3 {
            t.clock.advance(Duration::SECOND);
            paid(&t, &format!("reader{i}@example.org"), "monthly").await;
        }
        let cursor = async |path: &str| {
            support.read(path).await["next_cursor"].as_str().unwrap().to_owned()
        };
        let own = cursor("subscriptions?limit=1").await;
        let readers = cursor("readers?limit=1").await;
        let found = cursor("readers?limit=1&q=reader").await;
        let invoices = cursor("invoices?limit=1").await;
        assert_eq!(support.get(&format!("subscriptions?limit=2&cursor={own}")).await.status, 200);
        let turned: String = own.chars().rev().collect();
        let mut changed = own.clone().into_bytes();
        changed[3] = if changed[3] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        for path in [
            format!("subscriptions?status=active&cursor={own}"), format!("subscriptions?sort=next_charge&cursor={own}"),
            format!("subscriptions?q=reader&cursor={own}"), format!("subscriptions?cursor={readers}"),
            format!("subscriptions?cursor={turned}"), format!("subscriptions?cursor={changed}"),
            format!("subscriptions?cursor={own}{own}"), format!("subscriptions?cursor={}", "A".repeat(10_000)),
            format!("readers?cursor={own}"), format!("readers?cursor={found}"), format!("readers?q=reader&cursor={readers}"),
            format!("readers?q=reade&cursor={found}"), format!("invoices?cursor={own}"),
            format!("invoices?status=paid&cursor={invoices}"),
        ] {
            assert_eq!(support.get(&path).await.parameters()[0].0, "cursor", "{path}");
        }
        for list in ["readers", "invoices"] {
            assert_eq!(support.listed(list, "", 1).await.len(), 3);
            assert_eq!(support.listed(list, "", 2).await.len(), 3);
        }
        assert_eq!(support.listed("readers", "q=reader", 2).await.len(), 3);
        assert_eq!(support.listed("invoices", "status=paid", 2).await.len(), 3);
        assert_eq!(support.listed("invoices", "created_to=2026-11-22", 2).await.len(), 0);
    }

    async fn one_row_that_cannot_be_read_spoils_no_list(t: TestApp) {
        let admin = Clerk::hired(&t, Role::Admin).await;
        let (_, broken) = paid(&t, ANNA, "annual").await;
        let (bert, good) = paid(&t, "bert@example.org", "monthly").await;
        tamper(&t, "UPDATE subscriptions SET plan = 'gone' WHERE plan = 'annual'").await;
        tamper(&t, "UPDATE readers SET email = 'no address' WHERE email = 'anna@example.org'").await;
        tamper(&t, "UPDATE invoices SET currency = '???' WHERE number = '2026-000001'").await;
        let listed = admin.read("subscriptions").await["subscriptions"].take();
        assert_eq!((&listed[0]["id"], &listed[1]["id"]), (&json!(good), &json!(broken)));
        assert!(listed[1]["unreadable"].as_str().unwrap().contains("subscriptions.plan"), "{listed}");
        let readers = admin.read("readers").await["readers"].take();
        let unreadable = readers.as_array().unwrap().iter().filter(|it| it["unreadable"].is_string());
        assert_eq!((readers.as_array().unwrap().len(), unreadable.count()), (2, 1));
        let invoices = admin.read("invoices").await["invoices"].take();
        assert!(invoices.as_array().unwrap().iter().any(|it| it["unreadable"].is_string()), "{invoices}");
        assert_eq!(kinds(&admin.hits("2026-000001").await), ["invoice", "subscription"]);
        assert_eq!(admin.readers("bert").await, ["bert@example.org"]);
        let text = admin.get("subscriptions.csv").await.text();
        assert_eq!(text.lines().count(), 3);
        assert!(text.lines().any(|line| line.starts_with(&broken) && line.contains("impossible")), "{text}");
        let _ = bert;
    }

    async fn a_list_is_taken_away_as_a_table_without_formulas(t: TestApp) {
        let admin = Clerk::hired(&t, Role::Admin).await;
        let support = Clerk::hired(&t, Role::Support).await;
        paid(&t, "=cmd@example.org", "annual").await;
        paid(&t, ANNA, "monthly").await;
        let answer = admin.get("subscriptions.csv?sort=created").await;
        assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(answer.header("content-disposition"), "attachment; filename=\"subscriptions.csv\"");
        assert_eq!(answer.header("cache-control"), "no-store");
        let mut table = csv::Reader::from_reader(&*answer.body);
        let names = table.headers().unwrap().clone();
        let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
        assert_eq!((rows.len(), names.len()), (2, 18));
        let cell = |row: &csv::StringRecord, name: &str| {
            row[names.iter().position(|it| it == name).unwrap()].to_owned()
        };
        let mut emails: Vec<String> = rows.iter().map(|row| cell(row, "email")).collect();
        emails.sort();
        assert_eq!(emails, ["'=cmd@example.org", ANNA]);
        for row in &rows {
            assert!(row.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@'])), "{row:?}");
            assert_eq!((&*cell(row, "status"), &*cell(row, "currency")), ("active", "USD"));
        }
        let one = admin.get("subscriptions.csv?plan=monthly&q=anna").await.text();
        assert_eq!(one.lines().count(), 2, "{one}");
        for (query, field) in [("limit=3", "limit"), ("cursor=x", "cursor"), ("status=x", "status"), ("x=y", "query")] {
            assert_eq!(admin.get(&format!("subscriptions.csv?{query}")).await.parameters()[0].0, field);
        }
        assert_eq!(support.get("subscriptions.csv").await.problem().0, 403);
        let entries = admin.read("audit?limit=200").await["entries"].take();
        let exported: Vec<&Value> = entries.as_array().unwrap().iter()
            .filter(|entry| entry["action"] == "subscriptions.exported").collect();
        assert_eq!(exported.len(), 2);
        assert_eq!(exported[0]["after"], json!({"format": "csv", "filters": "plan=monthly", "searched": true}));
    }

    async fn filters_are_kept_by_name_for_their_owner_only(t: TestApp) {
        let (viewer, support) = (Clerk::hired(&t, Role::Viewer).await, Clerk::hired(&t, Role::Support).await);
        let keep = async |name: &str, query: &str| {
            viewer.call(Method::POST, "views", Some(json!({"name": name, "query": query}))).await
        };
        let kept = keep(" Late <b>payers</b> ", "?payment_failed=true&plan=annual&limit=9&cursor=abc&status=").await;
        assert_eq!(kept.status, 201, "{}", kept.text());
        let kept = kept.json();
        assert_eq!(kept["query"], "plan=annual&payment_failed=true");
        assert_eq!(kept["name"], "Late <b>payers</b>");
        let again = keep("Late <b>payers</b>", "payment_failed=true").await.json();
        let views = viewer.read("views").await["views"].take();
        assert_eq!(views, json!([again]));
        assert_eq!(support.read("views").await, json!({"views": []}));
        let path = format!("views/{}", again["id"].as_str().unwrap());
        assert_eq!(support.call(Method::DELETE, &path, None).await.problem().0, 404);
        for (name, query, field) in [
            ("", "", "name"), ("  ", "", "name"), (&*"x".repeat(61), "", "name"), ("a\nb", "", "name"),
            ("x", "q=anna%40example.org", "query"), ("x", "status=late", "query.status"), ("x", "nonsense=1", "query"),
            ("x", "sort=x", "query.sort"),
        ] {
            assert_eq!(keep(name, query).await.fields()[0].0, field, "{name} {query}");
        }
        for i in 1..50 {
            assert_eq!(keep(&format!("view {i}"), "status=active").await.status, 201);
        }
        assert_eq!(keep("one more", "").await.problem(), (409, "too_many_views".to_owned()));
        assert_eq!(keep("view 7", "status=paused").await.status, 201, "in place of another");
        assert_eq!(viewer.call(Method::DELETE, &path, None).await.status, 204);
        assert_eq!(viewer.call(Method::DELETE, &path, None).await.problem().0, 404);
        assert_eq!(keep("one more", "").await.status, 201);
    }
}
