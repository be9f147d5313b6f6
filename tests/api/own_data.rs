//! A reader's own data: all of it in one document, and none of it after the end.

use axum::http::Method;
use pressgate::{billing::invoice::credit::CreditTo, db::Db};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use time::Duration;

use crate::{
    app::{Answer, TestApp},
    readers::{ANNA, OTHER_PASSWORD, PASSWORD, Tokens, refused},
};

/// What each table holds of a reader. A table that is not here fails the test: whoever adds one
/// says which part of the export shows it, or why it holds nothing of a reader's.
const TABLES: &[(&str, Holds)] = &[
    ("readers", Holds::Part("/reader/email")),
    ("sessions", Holds::Part("/sessions/0/device")),
    ("address_changes", Holds::Part("/address_change/new_email")),
    ("mail_outbox", Holds::Part("/mails/0/subject")),
    ("mail_links", Holds::Nothing("hashes of secrets, by the mail; the mails are listed")),
    ("notices", Holds::Part("/notices")),
    ("cancellation_notices", Holds::Part("/cancellation_notices")),
    ("meter_windows", Holds::Part("/meters")),
    ("decisions", Holds::Part("/decisions")),
    ("decision_gaps", Holds::Nothing("how many rows were left out, by the minute")),
    ("reader_notes", Holds::Part("/notes")),
    ("meter_probe", Holds::Nothing("one instant, to see whether the disk takes it")),
    ("write_probe", Holds::Nothing("one instant, to see whether the disk takes it")),
    ("refresh_tokens", Holds::Nothing("hashes of secrets, by the session")),
    ("handovers", Holds::Nothing("hashes of secrets, for an hour, by the session")),
    ("mailed_links", Holds::Nothing("hashes of secrets, for a day; the mails are listed")),
    ("limits", Holds::Nothing("hashes, and instants that are past within hours")),
    ("signing_keys", Holds::Nothing("our own keys")),
    ("audit_log", Holds::Nothing("what staff did, by ids that stand for nobody after erasing")),
    ("audit_head", Holds::Nothing("where the log ends")),
    ("audit_anchor_files", Holds::Nothing("where it ended when it was last anchored")),
    ("staff", Holds::Nothing("the publisher's people, not readers")),
    ("staff_recovery_codes", Holds::Nothing("hashes of theirs")),
    ("sites", Holds::Nothing("the publisher's titles")),
    ("site_logos", Holds::Nothing("the publisher's pictures")),
    ("site_keys", Holds::Nothing("the publisher's keys")),
    ("catalog_versions", Holds::Nothing("what the publisher sells")),
    ("subscriptions", Holds::Part("/subscriptions")),
    ("charges", Holds::Part("/charges")),
    ("invoices", Holds::Part("/invoices")),
    ("invoice_lines", Holds::Part("/invoices/0/lines")),
    ("credit_notes", Holds::Part("/invoices/0/credit_notes")),
    ("refunds", Holds::Part("/invoices/0/refunded")),
    ("refund_requests", Holds::Part("/refund_requests")),
    ("reader_balances", Holds::Part("/balances/0")),
    ("refunded_charges", Holds::Nothing("sums of the refunds, by the charge")),
    ("ledger_entries", Holds::Nothing("the same amounts as in the invoices, by ids")),
    ("invoice_numbers", Holds::Nothing("how many invoices there are")),
    ("grants", Holds::Part("/complimentary")),
    ("consents", Holds::Part("/consents")),
    ("subscription_events", Holds::Part("/timeline")),
    ("event_outbox", Holds::Nothing("the timeline, on its way to those who asked to be told")),
    ("sandbox_charges", Holds::Nothing("the sandbox's gateway, which stands for somebody else's")),
    ("sandbox_keys", Holds::Nothing("the sandbox's gateway")),
    ("sandbox_refunds", Holds::Nothing("the sandbox's gateway")),
    ("sandbox_book", Holds::Nothing("the sandbox's gateway")),
    ("mail_claims", Holds::Nothing("one row, locked while mails are claimed")),
    ("idempotency_keys", Holds::Nothing("answers that were given already, for a day")),
    ("newsletter_consents", Holds::Part("/newsletters/consents")),
    ("newsletter_subscriptions", Holds::Part("/newsletters/subscriptions")),
    ("reader_search", Holds::Part("/reader/email")),
    ("staff_views", Holds::Nothing("filters of the publisher's people")),
    ("staff_operations", Holds::Nothing("what staff did to a subscription, for two days")),
    ("waiting_gifts", Holds::Nothing("addresses that have no account")),
    ("trial_claims", Holds::Nothing("keyed hashes, which tell nobody anything")),
    ("number_days", Holds::Nothing("sums, by plan, month, cause and article")),
    ("number_facts", Holds::Nothing("seconds old; of readers only which subscription paid")),
];

#[derive(Debug)]
enum Holds {
    /// Shown at this place of the export.
    Part(&'static str),
    /// Nothing of a reader's, because.
    Nothing(&'static str),
}

/// The rows that a statement without parameters gives, its first column as text.
async fn texts(db: &Db, sql: String) -> Vec<String> {
    match db {
        Db::Sqlite { read, .. } => sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&**read).await,
        Db::Postgres(pool) => sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&**pool).await,
    }
    .unwrap()
}

/// PostgreSQL keeps the meter where everything else is.
fn databases_of(t: &TestApp) -> Vec<&Db> {
    let databases = &t.state.databases;
    match &databases.main {
        Db::Sqlite { .. } => vec![&databases.main, &databases.meter],
        Db::Postgres(_) => vec![&databases.main],
    }
}

/// The tables of one database.
async fn tables_of(db: &Db) -> Vec<String> {
    let sql = match db {
        Db::Sqlite { .. } => "SELECT name FROM sqlite_master WHERE type = 'table'",
        Db::Postgres(_) => {
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'"
        }
    };
    let mut tables = texts(db, sql.to_owned()).await;
    tables.retain(|table| !table.starts_with("_sqlx") && !table.starts_with("sqlite_"));
    tables
}

/// Every row of every table as text, blobs in hexadecimal.
async fn dump(t: &TestApp) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for db in databases_of(t) {
        for table in tables_of(db).await {
            let sql = match db {
                Db::Postgres(_) => format!("SELECT row_to_json(t)::text FROM {table} t"),
                Db::Sqlite { .. } => {
                    let columns = format!("SELECT name FROM pragma_table_info('{table}')");
                    let quoted =
                        texts(db, columns).await.into_iter().map(|c| format!("quote({c})"));
                    let all = quoted.collect::<Vec<_>>().join(" || ' ' || ");
                    format!("SELECT {all} FROM {table}")
                }
            };
            let found = texts(db, sql).await.into_iter();
            rows.extend(found.map(|row| (table.clone(), row.to_lowercase())));
        }
    }
    rows
}

/// The tables with a row that holds `canary`, as text or as bytes.
async fn tables_with(t: &TestApp, canary: &str) -> Vec<String> {
    let hex = canary.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let holds = |row: &str| row.contains(&canary.to_lowercase()) || row.contains(&hex);
    let rows = dump(t).await.into_iter();
    rows.filter(|(_, row)| holds(row)).map(|(table, _)| table).collect()
}

async fn log_in_from(t: &TestApp, device: &str) -> Answer {
    let body = json!({"email": ANNA, "password": PASSWORD}).to_string();
    let request = axum::http::Request::post("/v1/auth/login")
        .header("content-type", "application/json")
        .header("user-agent", device);
    t.send(request.body(body.into()).unwrap()).await
}

async fn export(t: &TestApp, access: &str) -> Value {
    let answer = t.call(Method::GET, "/v1/me/export", access, None).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"my-data.json\"");
    answer.json()
}

async fn erase(t: &TestApp, access: &str) -> Answer {
    t.call(Method::DELETE, "/v1/me", access, None).await
}

on_both_databases! {
    async fn the_export_shows_every_table_that_holds_something(t: TestApp) {
        t.reader(ANNA).await;
        let tokens = Tokens::of(&log_in_from(&t, "Canary Browser/7").await);
        let body = json!({"email": "elsewhere@example.org"});
        let asked = t.call(Method::POST, "/v1/me/email", &tokens.access, Some(body)).await;
        assert_eq!(asked.status, 202);
        let reader = tokens.reader.parse().unwrap();
        let paid = t.paid_invoice(reader, 290).await;
        t.give_back(paid.head.id, 90, CreditTo::Balance).await.unwrap();
        let export = export(&t, &tokens.access).await;
        let mut tables = Vec::new();
        for db in databases_of(&t) {
            tables.extend(tables_of(db).await);
        }
        for table in &tables {
            let known = TABLES.iter().find(|(name, _)| name == table);
            let (_, holds) = known.expect("a new table: does a reader's export show it?");
            match holds {
                Holds::Part(place) => {
                    assert!(export.pointer(place).is_some(), "{table}: no {place} in {export}");
                }
                Holds::Nothing(why) => assert!(!why.is_empty()),
            }
        }
        assert_eq!(tables.len(), TABLES.len(), "tables that are no more: {tables:?}");
        assert_eq!(export["reader"]["email"], ANNA);
        assert_eq!(export["address_change"]["new_email"], "elsewhere@example.org");
        assert_eq!(export["sessions"].as_array().unwrap().len(), 2);
        assert_eq!(export["invoices"][0]["credit_notes"][0]["total"]["amount"], 90);
        assert_eq!(export["balances"], json!([{"amount": 90, "currency": "EUR"}]));
        let text = export.to_string();
        assert!(text.contains("Canary Browser/7"), "{text}");
        for secret in ["$argon2", "pgr_", "pgl_", "hash\"", &tokens.refresh] {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
    }

    async fn an_export_holds_nothing_of_anybody_else(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let bert = t.reader("bert@example.org").await;
        let text = export(&t, &bert.access).await.to_string();
        assert!(!text.contains("anna") && !text.contains(&anna.reader), "{text}");
        let refusal = t.call(Method::GET, "/v1/me/export", "", None).await;
        assert_eq!(refusal.problem(), refused(401, "invalid_token"));
    }

    async fn the_database_holds_no_secret_that_opens_anything(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        let next = Tokens::of(&t.refresh(&tokens.refresh).await);
        for secret in [&tokens.refresh, &next.refresh, &next.access, PASSWORD] {
            assert_eq!(tables_with(&t, secret).await, [""; 0], "{secret}");
        }
        // The mail that was not sent yet is the one place where a link is.
        let link = t.magic_link(ANNA).await;
        assert_eq!(tables_with(&t, &link).await, ["mail_outbox"]);
    }

    async fn after_erasing_nothing_is_left_but_the_farewell(t: TestApp) {
        t.reader(ANNA).await;
        let kept = t.device(ANNA).await;
        let tokens = Tokens::of(&log_in_from(&t, "Canary Browser/7").await);
        t.magic_link(ANNA).await;
        let paid = t.paid_invoice(tokens.reader.parse().unwrap(), 290).await;
        let reset = t.reset_link(ANNA).await;
        assert!(!tables_with(&t, "Canary Browser").await.is_empty());
        assert!(tables_with(&t, ANNA).await.contains(&"readers".to_owned()));
        assert_eq!(erase(&t, &tokens.access).await.status, 204);

        assert_eq!(tables_with(&t, "Canary Browser").await, [""; 0]);
        assert_eq!(tables_with(&t, ANNA).await, ["mail_outbox"]);
        // The law wants what was paid, by whomever it was.
        assert_eq!(t.stored(paid.head.id).await, paid);
        assert_eq!(t.subjects_to(ANNA).await, ["Your account was erased"]);
        for tokens in [&kept, &tokens] {
            assert!(!t.opens(&tokens.access).await);
            let refresh = t.refresh(&tokens.refresh).await;
            assert_eq!(refresh.problem(), refused(401, "invalid_refresh_token"));
        }
        assert_eq!(erase(&t, &tokens.access).await.problem(), refused(401, "invalid_token"));
        assert_eq!(t.log_in(ANNA, PASSWORD).await.problem(), refused(401, "invalid_credentials"));
        let answer = t.reset(&reset, OTHER_PASSWORD).await;
        assert_eq!(answer.problem(), refused(401, "invalid_link"));

        t.clock.advance(Duration::HOUR);
        let again = t.reader(ANNA).await;
        assert_ne!(again.reader, tokens.reader, "somebody new");
        assert_eq!(t.log_in(ANNA, PASSWORD).await.status, 200);
        assert_eq!(export(&t, &again.access).await["sessions"].as_array().unwrap().len(), 2);
    }

    async fn erasing_takes_a_fresh_login_and_happens_once(t: TestApp) {
        let stale = t.reader(ANNA).await;
        t.clock.advance(Duration::HOUR);
        let stale = Tokens::of(&t.refresh(&stale.refresh).await);
        let answer = erase(&t, &stale.access).await;
        assert_eq!(answer.problem(), refused(403, "fresh_login_required"));
        assert_eq!(t.log_in(ANNA, PASSWORD).await.status, 200);
        let fresh = Tokens::of(&t.redeem(&t.magic_link(ANNA).await).await);
        let at_once = (0..10).map(|_| {
            let (t, access) = (t.clone(), fresh.access.clone());
            tokio::spawn(async move { erase(&t, &access).await })
        });
        let answers = futures_util::future::join_all(at_once).await.into_iter().map(Result::unwrap);
        let (done, others): (Vec<Answer>, Vec<Answer>) =
            answers.partition(|answer| answer.status == 204);
        assert_eq!(done.len(), 1);
        for answer in others {
            assert_eq!(answer.problem(), refused(401, "invalid_token"));
        }
        assert_eq!(t.subjects_to(ANNA).await, ["Your account was erased"]);
    }

    async fn another_process_knows_an_erased_reader_no_more(t: TestApp) {
        let another = t.another_process().await;
        let tokens = t.reader(ANNA).await;
        assert!(another.opens(&tokens.access).await);
        assert_eq!(erase(&t, &tokens.access).await.status, 204);
        // Even before it hears that the session has ended.
        assert!(!another.opens(&tokens.access).await);
        for (method, path) in [(Method::GET, "/v1/me/export"), (Method::DELETE, "/v1/me")] {
            let answer = another.call(method, path, &tokens.access, None).await;
            assert_eq!(answer.problem(), refused(401, "invalid_token"), "{path}");
        }
        let refresh = another.refresh(&tokens.refresh).await;
        assert_eq!(refresh.problem(), refused(401, "invalid_refresh_token"));
    }
}
