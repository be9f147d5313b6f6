//! What the command line does with subscriptions, beside a service that runs: the same as the
//! office, for scripts.

use serde_json::{Value, json};

use crate::{
    readers::sign_up,
    server::{Server, pressgate, run, run_json, sqlite_url},
};

/// Anna's year, paid just now; the id of the subscription.
async fn annas_year(server: &Server) -> String {
    let made = sign_up(server, "anna@example.org").await;
    let anna = server.speaker(made["access_token"].as_str().unwrap());
    let order = json!({"plan": "annual", "payment_method": "pm_sandbox_ok"});
    let (status, begun) = anna.post("/v1/subscriptions", &order).await.unwrap();
    assert_eq!(status, 201, "{begun}");
    begun["id"].as_str().unwrap().to_owned()
}

/// Runs a command that must be refused; its exit code, and what it prints as JSON.
fn refused(url: &str, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = run(url, arguments);
    assert!(!output.status.success(), "{arguments:?}");
    let problem = serde_json::from_slice(&output.stdout);
    (output.status.code(), problem.unwrap_or_default())
}

#[tokio::test]
async fn what_the_office_does_can_be_scripted() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let server = Server::start(pressgate(&url, &[]));
    let id = annas_year(&server).await;
    let act = |act: &str, more: &[&str]| {
        let arguments = [&["subscription", act, &id, "--reason", "asked", "--json"], more].concat();
        run_json(&url, &arguments)
    };
    let listed = run_json(&url, &["subscription", "list", "anna", "--json"]);
    assert_eq!(listed["subscriptions"][0]["id"], json!(id));
    assert_eq!(listed["subscriptions"][0]["reader"]["email"], "anna@example.org");
    let in_words = run(&url, &["subscription", "list", "--status", "active"]);
    let in_words = String::from_utf8(in_words.stdout).unwrap();
    assert!(in_words.contains(&id) && in_words.contains("annual  active"), "{in_words}");

    let shown = run_json(&url, &["subscription", "show", &id, "--json"]);
    let end = shown["subscription"]["current_period_end"].clone();
    let seen = act("extend", &["--days", "3", "--dry-run"]);
    assert_eq!(seen["revision"], shown["subscription"]["revision"]);
    let still = run_json(&url, &["subscription", "show", &id, "--json"]);
    assert_eq!(still["subscription"]["current_period_end"], end, "nothing was done");
    let name = ["--days", "3", "--operation", "01900000-0000-7000-8000-000000000001"];
    let (once, twice) = (act("extend", &name), act("extend", &name));
    assert_ne!(once["current_period_end"], end);
    assert_eq!(once, twice, "the same name, so it is done once");

    let planned = act("switch", &["--plan", "monthly"]);
    assert_eq!(planned["scheduled_change"]["plan"], "monthly");
    assert_eq!(act("keep-plan", &[])["scheduled_change"], Value::Null);
    assert_eq!(act("pause", &[])["status"], "paused");
    assert_eq!(act("resume", &[])["status"], "active");
    assert_eq!(act("cancel", &["--at", "period-end"])["cancel_at_period_end"], true);
    assert_eq!(act("resume", &[])["cancel_at_period_end"], false);
    assert_eq!(act("cancel", &["--at", "now"])["end_reason"], "canceled_by_staff");

    let shown = run_json(&url, &["subscription", "show", &id, "--json"]);
    let told = shown["timeline"].as_array().unwrap();
    assert!(
        told.iter().any(|it| it["event"] == "subscription.extended" && it["actor"] == "command")
    );
    let log = run_json(&url, &["audit", "list", "--json"]).to_string();
    for action in ["extended", "switched", "switch_revoked", "paused", "resumed", "canceled"] {
        assert!(log.contains(&format!("subscription.{action}")), "{action}: {log}");
    }
    assert!(log.contains("asked") && !log.contains("anna"), "{log}");
    assert!(run(&url, &["audit", "verify"]).status.success());
}

#[tokio::test]
async fn what_is_refused_says_so_to_scripts() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let server = Server::start(pressgate(&url, &[]));
    let id = annas_year(&server).await;
    let nobody = "00000000-0000-0000-0000-000000000000";
    let long = "x".repeat(501);
    let refund_later = [
        "subscription",
        "cancel",
        &id,
        "--at",
        "period-end",
        "--refund",
        "--reason",
        "x",
        "--json",
    ];
    for (arguments, exit, code) in [
        (&["subscription", "show", nobody, "--json"][..], 3, "not_found"),
        (&["subscription", "pause", nobody, "--reason", "x", "--json"], 3, "not_found"),
        (&["reader", "show", "bert@example.org", "--json"], 3, "not_found"),
        (&["subscription", "resume", &id, "--reason", "x", "--json"], 4, "invalid_transition"),
        (
            &["subscription", "pause", &id, "--reason", "x", "--revision", "99", "--json"],
            4,
            "preview_stale",
        ),
        (
            &["subscription", "refund", &id, "--amount", "1991", "--reason", "x", "--json"],
            4,
            "refund_too_large",
        ),
        (
            &["subscription", "switch", &id, "--plan", "annual", "--reason", "x", "--json"],
            4,
            "same_plan",
        ),
        (
            &["subscription", "switch", &id, "--plan", "weekly", "--reason", "x", "--json"],
            5,
            "invalid_fields",
        ),
        (&["subscription", "pause", &id, "--reason", " ", "--json"], 5, "invalid_fields"),
        (&["subscription", "pause", &id, "--reason", &long, "--json"], 5, "invalid_fields"),
        (&["subscription", "list", "--status", "unpaid", "--json"], 5, "invalid_query"),
        (&refund_later, 5, "invalid_fields"),
        (&["reader", "show", "anna", "--json"], 5, "invalid_fields"),
    ] {
        let (said, problem) = refused(&url, arguments);
        assert_eq!(
            (said, &problem["code"]),
            (Some(exit), &json!(code)),
            "{arguments:?}: {problem}"
        );
    }
    for arguments in [
        &["subscription", "pause", &id][..],
        &["subscription", "pause", "anna", "--reason", "x"],
        &["subscription", "extend", &id, "--days", "0", "--reason", "x"],
        &["subscription", "refund", &id, "--amount", "-5", "--reason", "x"],
    ] {
        assert_eq!(refused(&url, arguments).0, Some(2), "{arguments:?}");
    }
    let in_words = run(&url, &["subscription", "resume", &id, "--reason", "x"]);
    let said = String::from_utf8(in_words.stderr).unwrap();
    assert!(said.contains("pressgate: there is no cancellation to take back"), "{said}");
    let done = run_json(&url, &["audit", "list", "--json"]).to_string();
    assert!(!done.contains("subscription."), "nothing was done: {done}");
}

#[tokio::test]
async fn readers_are_found_shown_given_to_and_signed_out() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let server = Server::start(pressgate(&url, &[]));
    let made = sign_up(&server, "anna@example.org").await;
    let id = made["reader"]["id"].as_str().unwrap();
    let found = run_json(&url, &["reader", "find", "ana@example.org", "--json"]);
    assert_eq!(found["readers"][0]["id"], json!(id), "one mistake away: {found}");
    let give = ["subscription", "give", "Anna@Example.org", "--days", "7", "--reason", "a letter"];
    let given = run_json(&url, &[&give[..], &["--json"]].concat())["given"].take();
    assert_eq!((&given["state"], &given["given_by"]), (&json!("running"), &json!("command")));
    let shown = run_json(&url, &["reader", "show", id, "--json"]);
    assert_eq!(shown["reader"]["email"], "anna@example.org");
    assert_eq!(shown["complimentary"][0]["id"], given["id"]);
    let listed = run_json(&url, &["subscription", "given", "--state", "running", "--json"]);
    assert_eq!(listed["complimentary"][0]["reader"]["id"], json!(id));
    let gift = given["id"].as_str().unwrap();
    let back = ["subscription", "take-back", gift, "--reason", "by mistake", "--json"];
    assert_eq!(run_json(&url, &back)["taken_back_by"], "command");
    assert_eq!(refused(&url, &back).0, Some(4), "it has ended");

    let stranger =
        ["subscription", "give", "bert@example.org", "--days", "7", "--reason", "a prize"];
    let waits = run_json(&url, &[&stranger[..], &["--json"]].concat());
    assert_eq!((&waits["given"], &waits["waits"]["days"]), (&Value::Null, &json!(7)));
    assert_eq!(refused(&url, &[&stranger[..], &["--json"]].concat()).0, Some(4), "one waits");

    run_json(&url, &["reader", "sign-out", id, "--reason", "a lost phone", "--json"]);
    let refresh = json!({"refresh_token": made["refresh_token"]});
    let speaker = server.speaker("sk_sandbox_demo");
    assert_eq!(speaker.post("/v1/auth/refresh", &refresh).await.unwrap().0, 401);
    let log = run_json(&url, &["audit", "list", "--json"]).to_string();
    for one in
        ["reader.viewed", "reader.complimentary_ended", "reader.sessions_ended", "a lost phone"]
    {
        assert!(log.contains(one), "{one}: {log}");
    }
}
