//! Without its database no call is answered as if the fault were in the program: 503 and when to come
//! back, to programs and in pages.

use axum::http::Method;
use pressgate::auth::staff::model::Role;
use serde_json::json;

use crate::{
    app::{Answer, eventually},
    back_office::{hire, token_of},
    office_pages::on_duty,
    reader_pages::{Browser, signed_up},
    readers::{ANNA, PASSWORD},
    trouble::{Proxy, impatient},
};

fn unavailable(answer: &Answer, call: &str) {
    assert_eq!(answer.problem(), (503, "database_unavailable".to_owned()), "{call}");
    assert_eq!(answer.header("retry-after"), "2", "{call}");
}

async fn unavailable_page(browser: &mut Browser, path: &str) {
    let answer = browser.open(path).await;
    assert_eq!(answer.status, 503, "{path}: {}", answer.text());
    assert_eq!(answer.header("retry-after"), "2", "{path}");
    assert!(answer.header("content-type").starts_with("text/html"), "{path}");
    assert!(answer.text().contains("</html>"), "{path}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_says_500_without_the_database() {
    let (database, proxy, behind) = Proxy::before_a_database().await;
    let t = impatient(&behind).await;
    let reader = t.reader(ANNA).await;
    hire(&t, Role::Admin).await;
    let staff = token_of(&t, Role::Admin).await;
    let mut at_home = signed_up(&t, "page@example.org").await;
    let mut on_duty = on_duty(&t, Role::Admin).await;

    proxy.cut();
    let login = json!({"email": ANNA, "password": PASSWORD});
    for (path, body) in [
        ("/v1/readers", login.clone()),
        ("/v1/auth/login", login.clone()),
        ("/v1/auth/magic-links", json!({"email": ANNA})),
        ("/v1/auth/refresh", json!({"refresh_token": reader.refresh})),
        ("/v1/staff/login", login),
    ] {
        unavailable(&t.tell(path, body).await, path);
    }
    for (path, token) in [
        ("/v1/me", &reader.access),
        ("/v1/subscriptions", &reader.access),
        ("/v1/staff/subscriptions", &staff),
        ("/v1/staff/audit", &staff),
    ] {
        unavailable(&t.call(Method::GET, path, token, None).await, path);
    }
    for path in ["/account", "/account/cancel"] {
        unavailable_page(&mut at_home, path).await;
    }
    for path in ["/staff", "/staff/audit", "/staff/numbers"] {
        unavailable_page(&mut on_duty, path).await;
    }

    proxy.restore();
    eventually("all is well", || async {
        t.call(Method::GET, "/v1/me", &reader.access, None).await.status == 200
    })
    .await;
    assert_eq!(at_home.open("/account").await.status, 200);
    database.drop().await;
}
