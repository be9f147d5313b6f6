//! A browser that began an account by typing an address, once the owner has confirmed the address
//! elsewhere: it goes on reading, and sees and changes nothing of the account.

use pressgate::{
    auth::{
        form,
        session::secret::{SecretHash, SecretKind},
    },
    clock::Clock,
};
use serde_json::Value;
use time::Duration;

use crate::{
    app::TestApp,
    reader_pages::{Browser, hidden_fields, mailed_link, posts},
    subscribing::begun,
};

const WALLED: &str = "/demo/articles/how-birds-find-their-way";
const TYPED: &str = "anna@example.org";
const NEW: &str = "new.address@example.net";
const OFFER: &str = "/subscribe?site=demo&plan=annual";

/// A guest's browser, and its owner's, who has confirmed the address there.
async fn confirmed(t: &TestApp) -> (Browser, Browser) {
    let guest = begun(t, TYPED).await;
    let mut owner = Browser::new(t);
    let link = mailed_link(t, TYPED, "/login/link").await;
    assert_eq!(owner.submit(&link, "/login/link", &[]).await.header("location"), "/account");
    (guest, owner)
}

/// The owner moves to another address, to which both mailboxes agree.
async fn move_away(t: &TestApp, owner: &mut Browser) {
    let asked = owner.submit("/account", "/account/email", &[("email", NEW)]).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    for mailbox in [TYPED, NEW] {
        let link = mailed_link(t, mailbox, "/account/address").await;
        assert_eq!(owner.submit(&link, "/account/address", &[]).await.status, 200);
    }
}

/// Everything that is held about the owner, but for what looking at it changes.
async fn held(owner: &mut Browser) -> Value {
    let mut export = owner.open("/account/export").await.json();
    export.as_object_mut().unwrap().remove("exported_at");
    export
}

/// Every page, from the routes themselves.
fn pages() -> Vec<&'static str> {
    let files = [
        include_str!("../../src/reader/pages/mod.rs"),
        include_str!("../../src/reader/pages/subscription/mod.rs"),
    ];
    let routes = files.iter().flat_map(|file| file.split(".route(").skip(1));
    let gets = routes.filter(|route| route.contains("get("));
    gets.map(|route| route.split('"').nth(1).unwrap()).collect()
}

/// The hidden token of a form that this browser was never shown.
fn token_for(browser: &Browser, action: &str) -> String {
    let cookie = SecretHash::of(SecretKind::Cookie, &browser.cookies["pressgate_session"]).unwrap();
    let keys = &browser.t.state.gate.directory.snapshot().keys.form;
    form::issue(keys, cookie, action, browser.t.clock.now())
}

/// Sends a form of the owner's page as a guest who has copied all of it but its token.
async fn send_as(
    guest: &mut Browser,
    action: &str,
    fields: &[(String, String)],
) -> crate::app::Answer {
    let copied = fields.iter().filter(|(name, _)| name != form::FIELD).cloned();
    let token = (form::FIELD.to_owned(), token_for(guest, action));
    guest.post(action, &copied.chain([token]).collect::<Vec<_>>()).await
}

fn typed(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

on_both_databases! {
    async fn no_page_shows_anything_of_the_owner(t: TestApp) {
        let (mut guest, mut owner) = confirmed(&t).await;
        move_away(&t, &mut owner).await;
        let held = held(&mut owner).await.to_string();
        assert!(held.contains(NEW), "{held}");
        let account = owner.open("/account").await.text();
        let (next_charge, card) = ("23 December 2026", "••••");
        assert!(account.contains(next_charge) && account.contains(card), "{account}");
        let subscription = hidden_fields(&owner.open("/account/cancel").await.text(), "/account/cancel");
        let id = &subscription.iter().find(|(name, _)| name == "id").unwrap().1;
        // An offer of today names another day.
        t.clock.advance(Duration::days(3));
        let by_token = ["/account/address", "/account/address/object"];
        for page in pages() {
            let path = page.replace("{id}", id);
            for query in ["", "?again=1", &format!("?id={id}&plan=annual"), "?site=demo&sent=1"] {
                let answer = guest.open(&format!("{path}{query}")).await;
                let text = answer.text();
                for secret in [TYPED, NEW, "anna", "new.address", card, next_charge] {
                    let place = text.find(secret).map(|at| text[at.saturating_sub(200)..].to_owned());
                    assert_eq!(place, None, "{secret} on {path}{query}");
                }
                let is_own = page.starts_with("/account") || page == "/subscribe/welcome";
                if is_own && !by_token.contains(&page) {
                    let to = answer.header("location");
                    assert!(answer.status == 303 && to.starts_with("/login?"), "{path}{query}: {} {to}", answer.status);
                }
            }
        }
        let article = guest.open(WALLED).await;
        assert_eq!(article.status, 200, "the honest buyer's browser goes on reading");
    }

    async fn no_form_changes_anything_of_the_owner(t: TestApp) {
        let (mut guest, mut owner) = confirmed(&t).await;
        let (cancel, card) = ("/account/cancel", "/account/card");
        let id = hidden_fields(&owner.open(cancel).await.text(), cancel);
        let switch = hidden_fields(&owner.open("/account/switch").await.text(), "/account/switch");
        let new_card = hidden_fields(&owner.open(card).await.text(), card);
        let offer = hidden_fields(&guest.open(OFFER).await.text(), "/subscribe");
        let session = hidden_fields(&owner.open("/account").await.text(), "/account/sessions/end");
        let with = |hidden: &[(String, String)], more: &[(&str, &str)]| [hidden, &typed(more)].concat();
        let before = held(&mut owner).await;
        let (mails, more) = (t.mails_to(TYPED).await.len(), t.mails_to(NEW).await.len());
        for action in posts().into_iter().filter(|action| *action != "/logout") {
            let all = match action {
                "/account/cancel" | "/account/resume" | "/account/switch/revoke" => id.clone(),
                "/account/cancel/reason" => with(&id, &[("reason", "no more")]),
                "/account/switch" => switch.clone(),
                "/account/card" => with(&new_card, &[("payment_method", "pm_sandbox_ok:other")]),
                "/account/sessions/end" => session.clone(),
                "/account/password" => typed(&[("new_password", "quartz owl borrows a ladder")]),
                "/account/email" => typed(&[("email", NEW)]),
                "/account/newsletters" => typed(&[("list", "weekly")]),
                "/language" => typed(&[("language", "fr"), ("return_to", "/account")]),
                "/subscribe" => with(&offer, &[("payment_method", "pm_sandbox_ok:other"), ("agree", "yes")]),
                "/subscribe/welcome/address" => typed(&[("email", NEW)]),
                _ => Vec::new(),
            };
            let answer = send_as(&mut guest, action, &all).await;
            assert_ne!(answer.status, 500, "{action}");
            if action.starts_with("/account/") && !action.starts_with("/account/address") {
                let to = answer.header("location");
                assert!(answer.status == 303 && to.starts_with("/login"), "{action}: {} {}", answer.status, answer.text());
            }
            assert_eq!(held(&mut owner).await, before, "{action}");
        }
        assert_eq!((t.mails_to(TYPED).await.len(), t.mails_to(NEW).await.len()), (mails, more));
        // The browser's own session is its own to end.
        assert_eq!(guest.open(WALLED).await.status, 200);
        let out = guest.submit("/login", "/logout", &[]).await;
        assert_eq!((out.status, guest.is_logged_in()), (303, false));
        assert_eq!(guest.open(WALLED).await.status, 402);
    }

    async fn an_order_asks_to_log_in_and_then_goes_on(t: TestApp) {
        let (mut guest, mut owner) = confirmed(&t).await;
        owner.submit("/account/cancel", "/account/cancel", &[]).await;
        t.settle_until(t.clock.now().plus(Duration::days(31))).await;
        let offer = format!("{OFFER}&trial=no");
        let page = guest.open(&offer).await.text();
        assert!(page.contains("without having logged in") && !page.contains(TYPED), "{page}");
        // Whatever is typed, and in whatever shape.
        for fields in [
            vec![("payment_method", "pm_sandbox_ok"), ("agree", "yes")],
            vec![("email", TYPED), ("payment_method", "pm_sandbox_ok"), ("agree", "yes")],
            vec![("email", "eve@example.org"), ("payment_method", "pm_sandbox_ok"), ("agree", "yes")],
            vec![],
        ] {
            let answer = guest.submit(&offer, "/subscribe", &fields).await;
            assert_eq!(answer.status, 303, "{}", answer.text());
            assert!(answer.header("location").starts_with("/login?return_to=%2Fsubscribe%3F"), "{:?}", answer.headers);
        }
        assert_eq!(held(&mut owner).await["subscriptions"].as_array().unwrap().len(), 1);
        // By mail in the same browser, and on from there.
        let way = guest.submit(&offer, "/subscribe", &[]).await.header("location").to_owned();
        guest.submit(&way, "/login/email", &[("email", TYPED)]).await;
        let link = mailed_link(&t, TYPED, "/login/link").await;
        let back = guest.submit(&link, "/login/link", &[]).await;
        assert!(back.header("location").starts_with("/subscribe?plan=annual"), "{:?}", back.headers);
        let fields = [("payment_method", "pm_sandbox_ok"), ("agree", "yes")];
        let begun = guest.submit(back.header("location"), "/subscribe", &fields).await;
        assert_eq!(begun.status, 303, "{}", begun.text());
        let all = held(&mut owner).await["subscriptions"].clone();
        assert_eq!(all.as_array().unwrap().len(), 2, "{all}");
    }

    /// Until then the browser has typed all that there is to see.
    async fn before_the_owner_confirms_whoever_began_it_may_leave_again(t: TestApp) {
        let mut guest = begun(&t, TYPED).await;
        let welcome = guest.open("/subscribe/welcome").await;
        assert!(welcome.status == 200 && welcome.text().contains(TYPED));
        let account = guest.open("/account").await;
        assert_eq!(account.header("location"), "/subscribe/welcome");
        let canceled = guest.submit("/account/cancel", "/account/cancel", &[]).await;
        assert!(canceled.header("location").starts_with("/account/canceled"), "{:?}", canceled.headers);
        // And from the moment of the confirmation no more.
        let mut owner = Browser::new(&t);
        let link = mailed_link(&t, TYPED, "/login/link").await;
        owner.submit(&link, "/login/link", &[]).await;
        for page in ["/subscribe/welcome", "/account/canceled", "/account/cancel", "/account"] {
            let answer = guest.open(page).await;
            assert!(answer.header("location").starts_with("/login?return_to="), "{page}: {:?}", answer.headers);
        }
    }
}
