//! What subscribers must be told: planned, sent once, and kept on record.

use axum::http::Method;
use iso_currency::Currency;
use pressgate::{
    billing::{
        calendar::Period,
        catalog::{Interval, localized::Localized},
        letter::{BillingLetter, News, Price},
        notice::{
            NoticeKind,
            plan::{NoticeFacts, Planned, planned},
            record,
            send::{self, AtOnceLetter},
            store::{self, Notice, Owner, Status},
        },
    },
    clock::{Clock, Timestamp},
    db::Tx,
    ids::Ids,
    language::Words,
    mail::{address::Address, outbox, recipient::Recipient},
    money::Money,
};
use serde_json::json;
use time::Duration;
use uuid::Uuid;

use crate::{
    app::{START, TestApp, at},
    readers::ANNA,
};

const ENDS: &str = "2026-12-23T04:05:06Z";
/// Seven and a half days before.
const TOLD: &str = "2026-12-15T16:05:06Z";

fn new_id() -> Uuid {
    Ids::system().unwrap().uuid(at(START)).unwrap()
}

fn owner() -> Owner {
    Owner { subscription: new_id(), reader: new_id() }
}

/// A trial of 30 days that began with the story.
fn trial<'a>() -> NoticeFacts<'a> {
    let period = Period { start: at(START), end: at(ENDS) };
    NoticeFacts {
        country: Some("DE"),
        interval: Interval::Month,
        trial: Some(period),
        will_renew: true,
        next_charge_at: Some(period.end),
        started_at: period.start,
        agreed_at: period.start,
        card_expires: None,
        price_change: None,
    }
}

fn trial_ending() -> BillingLetter {
    let amount = Money { amount: 290, currency: Currency::USD };
    let price = Price { amount, interval: Interval::Month };
    BillingLetter {
        plan: Localized::for_all("Monthly"),
        account: "https://pay.example/account".to_owned(),
        links: None,
        news: News::TrialEnding { ends: at(ENDS), price, charged: true },
    }
}

async fn writing(t: &TestApp) -> Tx {
    t.state.databases.main.write().await.unwrap()
}

/// Plans what is owed as `facts` stand; gives what was planned, and when the next is to be sent.
async fn replan(
    t: &TestApp,
    owner: Owner,
    facts: &NoticeFacts<'_>,
) -> (Vec<Planned>, Option<Timestamp>) {
    let planned = planned(facts, &t.state.duties);
    let mut tx = writing(t).await;
    let next_at = store::replan(&mut tx, owner, &planned, t.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    (planned, next_at)
}

async fn due(t: &TestApp, owner: Owner) -> Vec<Notice> {
    store::due(&mut writing(t).await, owner.subscription, t.clock.now()).await.unwrap()
}

/// Sends a notice to Anna; says whether it did.
async fn send(t: &TestApp, notice: &Notice) -> bool {
    let mut tx = writing(t).await;
    let to = Recipient::new(&Address::parse(ANNA).unwrap(), Words::default());
    let room = (&t.state.accounts.mail, &to);
    let sent = send::send(&mut tx, room, notice, &trial_ending(), t.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    sent
}

/// Every notice of a reader: its kind, how far it has come, and its text.
async fn kept(t: &TestApp, owner: Owner) -> Vec<(NoticeKind, Status, Option<String>)> {
    let notices = record::of_reader(&mut writing(t).await, owner.reader).await.unwrap();
    notices.into_iter().map(|notice| (notice.kind, notice.status, notice.template)).collect()
}

async fn missed(t: &TestApp, most: i64) -> Vec<Uuid> {
    let (now, mut tx) = (t.clock.now(), writing(t).await);
    let missed = record::missed(&mut tx, at(START), now, most).await.unwrap();
    missed.into_iter().map(|notice| notice.subscription).collect()
}

on_both_databases! {
    async fn a_notice_is_due_at_its_time_and_sent_once(t: TestApp) {
        let owner = owner();
        let (planned, next_at) = replan(&t, owner, &trial()).await;
        assert_eq!((planned.len(), next_at), (1, Some(at(TOLD))));
        t.clock.set(at(TOLD).minus(Duration::MICROSECOND));
        assert!(due(&t, owner).await.is_empty());
        t.clock.set(at(TOLD));
        let notices = due(&t, owner).await;
        assert_eq!(notices.len(), 1);
        assert_eq!((notices[0].kind, notices[0].about), (NoticeKind::TrialEnding, at(ENDS)));
        assert_eq!(notices[0].jurisdiction, "all");

        let at_once = (0..10).map(|_| {
            let (t, notice) = (t.clone(), notices[0].clone());
            tokio::spawn(async move { send(&t, &notice).await })
        });
        let sent = futures_util::future::join_all(at_once).await;
        assert_eq!(sent.into_iter().filter(|sent| *sent.as_ref().unwrap()).count(), 1);
        assert_eq!(t.subjects_to(ANNA).await, ["Your free trial ends soon"]);
        assert!(due(&t, owner).await.is_empty());
        // However often it is planned again.
        assert_eq!(replan(&t, owner, &trial()).await.1, None);
        assert!(due(&t, owner).await.is_empty());
        let text = Some("trial_ending.2.en".to_owned());
        assert_eq!(kept(&t, owner).await, [(NoticeKind::TrialEnding, Status::Sent, text)]);
        assert!(missed(&t, 10).await.is_empty());
    }

    async fn nothing_is_sent_about_what_will_not_come(t: TestApp) {
        let owner = owner();
        replan(&t, owner, &trial()).await;
        let canceled = NoticeFacts { will_renew: false, ..trial() };
        assert_eq!(replan(&t, owner, &canceled).await.1, None);
        t.clock.set(at(TOLD));
        assert!(due(&t, owner).await.is_empty());
        assert_eq!(kept(&t, owner).await, [(NoticeKind::TrialEnding, Status::Dropped, None)]);
        // Resumed inside the window: told at once.
        t.clock.advance(Duration::hours(2));
        let resumed = NoticeFacts { agreed_at: t.clock.now(), ..trial() };
        assert_eq!(replan(&t, owner, &resumed).await.1, Some(t.clock.now()));
        let notices = due(&t, owner).await;
        assert!(send(&t, &notices[0]).await);
        replan(&t, owner, &canceled).await;
        assert!(matches!(kept(&t, owner).await[..], [(_, Status::Sent, _)]), "what is sent is sent");
        assert!(missed(&t, 10).await.is_empty());
    }

    async fn what_is_not_sent_in_time_is_reported(t: TestApp) {
        let [forgotten, late, called_off, in_time, dropped] = [(); 5].map(|()| owner());
        for owner in [forgotten, late, called_off, in_time, dropped] {
            replan(&t, owner, &trial()).await;
        }
        let canceled = NoticeFacts { will_renew: false, ..trial() };
        replan(&t, dropped, &canceled).await;
        t.clock.set(at("2026-12-16T04:05:06Z"));
        assert!(send(&t, &due(&t, in_time).await[0]).await, "at the last moment");
        assert!(missed(&t, 10).await.is_empty());

        t.clock.advance(Duration::MICROSECOND);
        assert_eq!(missed(&t, 10).await.len(), 3);
        assert!(send(&t, &due(&t, late).await[0]).await, "better late than never");
        let mails = outbox::newest(&mut writing(&t).await, None).await.unwrap();
        assert_eq!(mails.last().unwrap().expires_at, at(ENDS), "but not after its moment");
        replan(&t, called_off, &canceled).await;
        assert!(matches!(kept(&t, called_off).await[..], [(_, Status::Missed, None)]));
        assert!(due(&t, called_off).await.is_empty());
        let mut expected = vec![forgotten.subscription, late.subscription, called_off.subscription];
        expected.sort();
        assert_eq!(missed(&t, 10).await, expected);
        assert_eq!(missed(&t, 2).await, expected[..2]);

        // Once the moment has come, it is too late even for that.
        t.clock.set(at(ENDS));
        assert!(due(&t, forgotten).await.is_empty());
        assert_eq!(replan(&t, forgotten, &trial()).await.1, None);
        replan(&t, forgotten, &NoticeFacts { trial: None, ..trial() }).await;
        assert!(matches!(kept(&t, forgotten).await[..], [(_, Status::Missed, None)]));
        assert_eq!(missed(&t, 10).await, expected);
        let mut tx = writing(&t).await;
        let since = t.clock.now();
        assert!(record::missed(&mut tx, since, since, 10).await.unwrap().is_empty());
    }

    async fn a_moved_moment_moves_its_notice(t: TestApp) {
        let owner = owner();
        let year = NoticeFacts {
            trial: None,
            interval: Interval::Year,
            next_charge_at: Some(at("2027-11-23T04:05:06Z")),
            ..trial()
        };
        replan(&t, owner, &year).await;
        let later = NoticeFacts { next_charge_at: Some(at("2027-12-23T04:05:06Z")), ..year };
        let (planned, next_at) = replan(&t, owner, &later).await;
        assert_eq!(next_at, Some(planned[0].send_at));
        let statuses: Vec<Status> =
            kept(&t, owner).await.into_iter().map(|(_, status, _)| status).collect();
        assert_eq!(statuses, [Status::Planned, Status::Dropped]);
    }

    async fn a_letter_that_goes_out_at_once_is_kept_on_record(t: TestApp) {
        let owner = owner();
        let now = t.clock.now();
        let news = News::CancelScheduled { at: now, access_until: at(ENDS), in_trial: true };
        let letter = BillingLetter { news, ..trial_ending() };
        let what = AtOnceLetter {
            owner,
            kind: NoticeKind::CancellationReceipt,
            country: Some("DE"),
            letter: &letter,
        };
        let to = Recipient::new(&Address::parse(ANNA).unwrap(), Words::default());
        let mut tx = writing(&t).await;
        let room = (&t.state.accounts.mail, &to);
        send::send_at_once(&mut tx, room, &what, &t.state.duties, now).unwrap();
        tx.commit().await.unwrap();
        let notices = record::of_reader(&mut writing(&t).await, owner.reader).await.unwrap();
        assert_eq!(notices.len(), 1);
        assert_eq!((notices[0].sent_at, notices[0].jurisdiction.as_str()), (Some(now), "all; DE; EEA"));
        assert_eq!(notices[0].template.as_deref(), Some("cancel_scheduled_in_trial.2.en"));
        assert_eq!(t.subjects_to(ANNA).await, ["You canceled your free trial"]);
    }

    async fn readers_see_their_notices_until_they_are_erased(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        let reader = tokens.reader.parse().unwrap();
        let mine = Owner { subscription: new_id(), reader };
        let other = owner();
        replan(&t, mine, &trial()).await;
        replan(&t, other, &trial()).await;
        let export = t.call(Method::GET, "/v1/me/export", &tokens.access, None).await.json();
        let expected = json!([{
            "subscription": mine.subscription, "kind": "trial_ending", "about": ENDS,
            "jurisdiction": "all", "due_from": "2026-12-15T04:05:06Z",
            "due_to": "2026-12-16T04:05:06Z", "planned_for": TOLD, "status": "planned",
            "sent_at": null, "template": null,
        }]);
        assert_eq!(export["notices"], expected);

        let erased = t.call(Method::DELETE, "/v1/me", &tokens.access, None).await;
        assert_eq!(erased.status, 204);
        t.clock.set(at(TOLD));
        assert!(due(&t, mine).await.is_empty());
        assert_eq!(due(&t, other).await.len(), 1);
        assert_eq!(kept(&t, mine).await, [(NoticeKind::TrialEnding, Status::Dropped, None)]);
    }

    async fn notices_are_forgotten_after_years(t: TestApp) {
        let (done, open) = (owner(), owner());
        replan(&t, done, &trial()).await;
        replan(&t, open, &trial()).await;
        t.clock.set(at(TOLD));
        assert!(send(&t, &due(&t, done).await[0]).await);
        let db = &t.state.databases.main;
        t.clock.advance(Duration::days(3 * 366));
        pressgate::upkeep::forget(db, &*t.clock, t.state.config.decisions).await.unwrap();
        assert_eq!(kept(&t, done).await.len(), 1);
        t.clock.advance(Duration::days(366));
        pressgate::upkeep::forget(db, &*t.clock, t.state.config.decisions).await.unwrap();
        assert!(kept(&t, done).await.is_empty());
        assert_eq!(kept(&t, open).await.len(), 1, "what was never sent is not hidden");
    }
}
