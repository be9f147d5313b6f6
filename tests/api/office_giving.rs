//! What staff give away: it is listed, can be taken back, and ends to the instant.

use pressgate::auth::staff::model::Role;
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::at, back_office::hire, billing::OK, office_billing::Clerk, office_pages::on_duty,
    readers::ANNA,
};

impl Clerk {
    /// Gives a reader days; the id of what was given.
    async fn gives(&self, reader: &str, days: u32, reason: &str) -> String {
        let path = format!("readers/{reader}/complimentary");
        let given = self.post(&path, json!({"days": days, "reason": reason})).await;
        assert_eq!(given.status, 201, "{}", given.text());
        given.json()["id"].as_str().unwrap().to_owned()
    }

    /// What was given, the latest first: id and state.
    async fn given(&self, query: &str) -> Vec<(String, String)> {
        let answer = self.get(&format!("complimentary?{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let entry = |it: &Value| (text(&it["id"]), text(&it["state"]));
        answer.json()["complimentary"].as_array().unwrap().iter().map(entry).collect()
    }
}

on_both_databases! {
    async fn what_was_given_is_taken_back_in_that_second(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let anna = t.reader(ANNA).await;
        let id = support.gives(&anna.reader, 30, "a letter").await;
        let elsewhere = t.another_process().await;
        assert_eq!(t.reason(&anna).await, "complimentary");
        assert_eq!(elsewhere.reason(&anna).await, "complimentary");
        t.clock.advance(Duration::HOUR);
        let end = format!("complimentary/{id}/end");
        let ended = support.post(&end, json!({"reason": "by mistake"})).await;
        assert_eq!(ended.status, 200, "{}", ended.text());
        let ended = ended.json();
        assert_eq!((&ended["state"], &ended["taken_back_because"]), (&json!("taken_back"), &json!("by mistake")));
        assert_eq!((&ended["taken_back_by"], &ended["given_by"]), (&json!(support.actor), &json!(support.actor)));
        assert_eq!(t.reason(&anna).await, "metered", "here at once");
        t.clock.advance(Duration::SECOND);
        assert_eq!(elsewhere.reason(&anna).await, "meter_exhausted", "elsewhere within a second");
        let subjects = t.subjects_to(ANNA).await;
        assert!(subjects.iter().any(|it| it == "Your time as our guest is over"), "{subjects:?}");
        let again = support.post(&end, json!({})).await;
        assert_eq!(again.problem(), (409, "invalid_transition".to_owned()));
        let nobody = "complimentary/00000000-0000-0000-0000-000000000000/end";
        assert_eq!(support.post(nobody, json!({})).await.problem().0, 404);
        let entry = Clerk::hired(&t, Role::Admin).await.audited().await.remove(0);
        assert_eq!(entry["action"], "reader.complimentary_ended");
        assert_eq!(entry["target"], json!({"kind": "reader", "id": anna.reader}));
        assert_eq!(entry["after"]["reason"], "by mistake");
        let export = support.get(&format!("readers/{}/export", anna.reader)).await.json();
        assert_eq!(export["complimentary"][0]["taken_back_at"], ended["taken_back_at"]);
    }

    async fn what_is_paid_goes_on_when_what_was_given_ends(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let anna = t.reader(ANNA).await;
        t.subscribed(&anna, "annual", OK).await;
        let id = support.gives(&anna.reader, 30, "a letter").await;
        support.post(&format!("complimentary/{id}/end"), json!({})).await;
        assert_eq!(t.reason(&anna).await, "subscriber");
    }

    async fn what_was_given_is_listed_by_state_and_reader(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (anna, bert) = (t.reader(ANNA).await, t.reader("bert@example.org").await);
        let mut ids = Vec::new();
        for (reader, days) in [(&anna, 1), (&anna, 10), (&bert, 10)] {
            t.clock.advance(Duration::SECOND);
            ids.push(support.gives(&reader.reader, days, "x").await);
        }
        t.clock.set(at("2026-11-26T00:00:00Z"));
        support.post(&format!("complimentary/{}/end", ids[2]), json!({})).await;
        let state = |i: usize, state: &str| (ids[i].clone(), state.to_owned());
        let all = [state(2, "taken_back"), state(1, "running"), state(0, "ended")];
        assert_eq!(support.given("").await, all);
        for (i, one) in [(2, "taken_back"), (1, "running"), (0, "ended")] {
            assert_eq!(support.given(&format!("state={one}")).await, [state(i, one)], "{one}");
        }
        assert_eq!(support.given(&format!("reader={}", anna.reader)).await, all[1..]);
        let first = support.get("complimentary?limit=2").await.json();
        assert_eq!(first["complimentary"][0]["reader"]["email"], "bert@example.org");
        let cursor = first["next_cursor"].as_str().unwrap();
        assert_eq!(support.given(&format!("limit=2&cursor={cursor}")).await, all[2..]);
        for (query, field) in [
            ("state=given", "state"), ("reader=x", "reader"), ("limit=0", "limit"), ("page=1", "query"),
            ("cursor=x", "cursor"), (&format!("state=ended&cursor={cursor}"), "cursor"),
        ] {
            let refused = support.get(&format!("complimentary?{query}")).await;
            assert_eq!(refused.parameters()[0].0, field, "{query}");
        }
    }

    async fn what_was_given_is_taken_back_from_its_page(t: TestApp) {
        hire(&t, Role::Support).await;
        let anna = t.reader(ANNA).await;
        let mut browser = on_duty(&t, Role::Support).await;
        let page = format!("/staff/readers/{}", anna.reader);
        let give = format!("{page}/give");
        let hostile = "<script>alert(1)</script>";
        browser.submit(&give, &give, &[("days", "7"), ("reason", hostile)]).await;
        let listed = browser.open("/staff/complimentary?state=running").await.text();
        assert!(listed.contains(ANNA) && !listed.contains(hostile), "{listed}");
        let end = listed.split("href=\"/staff/complimentary/").nth(1).unwrap();
        let end = format!("/staff/complimentary/{}", end.split('"').next().unwrap());
        assert!(browser.open(&page).await.text().contains(&end), "from the reader's page too");
        let refused = browser.submit(&end, &end, &[("reason", " ")]).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text().contains("Say why"), "{}", refused.text());
        assert_eq!(t.reason(&anna).await, "complimentary", "looking ends nothing");
        let done = browser.submit(&end, &end, &[("reason", "by mistake")]).await;
        assert_eq!(done.header("location"), format!("{page}?done=taken-back"), "{}", done.text());
        let told = browser.open(&format!("{page}?done=taken-back")).await.text();
        assert!(told.contains("taken back on") && told.contains("by mistake"), "{told}");
        assert_eq!(t.reason(&anna).await, "metered");
        let over = browser.open(&end).await.text();
        assert!(!over.contains("<textarea"), "there is nothing to take back: {over}");

        hire(&t, Role::Viewer).await;
        let mut viewer = on_duty(&t, Role::Viewer).await;
        assert_eq!(viewer.open("/staff/complimentary").await.status, 200);
        assert_eq!(viewer.open(&end).await.status, 403);
    }

    async fn whoever_is_given_days_is_told_the_new_date(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let anna = t.reader(ANNA).await;
        let id = t.subscribed(&anna, "monthly", OK).await;
        let given = async |days: u32| {
            t.clock.advance(Duration::SECOND);
            support.acts(&id, "extend", json!({"days": days, "reason": "a late paper"})).await;
            let mail = t.mails_to(ANNA).await.pop().unwrap();
            assert_eq!(mail["subject"], "More days for you");
            mail["text"].as_str().unwrap().to_owned()
        };
        let text = given(7).await;
        let facts = "Days given: 7\nPrice: $2.90 a month\n\
            Next charge: 30 December 2026 at 04:05:06 UTC\n";
        assert!(text.contains(facts) && !text.contains("a late paper"), "{text}");
        // Where nothing more is charged, that is the day to which they read.
        let cancel = t.about(&anna, &id, "cancel", json!({"at": "period_end"})).await;
        assert_eq!(cancel.status, 200, "{}", cancel.text());
        let text = given(1).await;
        assert!(text.contains("You go on reading until: 31 December 2026 at"), "{text}");
        assert!(!text.contains("Next charge"), "{text}");
    }
}
