//! What is over is forgotten, and nothing that is not.

use pressgate::upkeep::forget;
use serde_json::json;
use time::Duration;

use crate::{
    app::TestApp,
    readers::{ANNA, PASSWORD, Tokens},
};

async fn rows(t: &TestApp, sql: &'static str) -> i64 {
    let mut tx = t.state.databases.main.read().await.unwrap();
    let row: Option<(i64,)> = tx.query(sql).optional().await.unwrap();
    row.unwrap().0
}

async fn forgotten(t: &TestApp) -> u64 {
    forget(&t.state.databases.main, &*t.clock, t.state.config.decisions).await.unwrap()
}

on_both_databases! {
    async fn links_limits_and_tokens_go_when_they_are_over(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let ben = json!({"email": "ben@example.org", "password": PASSWORD});
        assert_eq!(t.tell("/v1/readers", ben).await.status, 202);
        assert_eq!(t.log_in(ANNA, "a wrong one").await.status, 401);
        let anna = Tokens::of(&t.refresh(&anna.refresh).await);
        let links = "SELECT COUNT(*) FROM mailed_links";
        let limits = "SELECT COUNT(*) FROM limits";
        let tokens = "SELECT COUNT(*) FROM refresh_tokens";
        assert_eq!((rows(&t, links).await, rows(&t, tokens).await), (1, 2));
        assert_eq!(forgotten(&t).await, 0, "nothing is over");
        t.clock.advance(Duration::hours(24));
        assert!(forgotten(&t).await >= 3);
        assert_eq!((rows(&t, links).await, rows(&t, limits).await), (0, 0));
        assert_eq!(rows(&t, tokens).await, 2, "a used one is kept to notice a copy");
        t.clock.advance(Duration::days(31));
        forgotten(&t).await;
        assert_eq!(rows(&t, tokens).await, 1, "the one that lives");
        assert_eq!(t.refresh(&anna.refresh).await.status, 200);
    }

    async fn sessions_go_a_month_after_their_end(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let other = t.device(ANNA).await;
        assert_eq!(t.log_out(&other.refresh).await.status, 204);
        let sessions = "SELECT COUNT(*) FROM sessions";
        t.clock.advance(Duration::days(30));
        forgotten(&t).await;
        assert_eq!(rows(&t, sessions).await, 2);
        t.clock.advance(Duration::SECOND);
        forgotten(&t).await;
        assert_eq!(rows(&t, sessions).await, 1, "the one that was ended");
        let anna = Tokens::of(&t.refresh(&anna.refresh).await);
        assert!(t.opens(&anna.access).await);
    }
}
