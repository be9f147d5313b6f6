//! Trying out stolen cards: however a card is given, a few are declined and then the gateway is not
//! asked any more.

use std::net::IpAddr;

use axum::{
    body::Body,
    http::{Method, Request},
};
use futures_util::future::join_all;
use pressgate::{
    auth::{limits::Policy, network::NetworkPolicies, staff::model::Role},
    http::client_ip::Peer,
};
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{Answer, TestApp, config},
    billing::OK,
    office_billing::Clerk,
    reader_pages::{Browser, logged_in},
    readers::{PASSWORD, Tokens},
    subscribing::at_the_wall,
};

const BURST: usize = 3;
const DECLINED: &str = "pm_sandbox_declined";

/// A customer of one story, with all that the ways below need.
struct Customer {
    t: TestApp,
    tokens: Tokens,
    /// A subscription, where the way needs one.
    id: String,
    browser: Browser,
    number: usize,
}

/// How a customer comes to give a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Order,
    OrderOfUnknownCards,
    TrialOfUnknownCards,
    ChangeOfUnknownCards,
    PastDue,
    Switch,
    Resume,
    OrderOnThePage,
    OrderOfAStranger,
    CardOnThePage,
    SwitchOnThePage,
    ResumeOnThePage,
    CardByMail,
}

impl Way {
    const ALL: [Self; 13] = [
        Self::Order,
        Self::OrderOfUnknownCards,
        Self::TrialOfUnknownCards,
        Self::ChangeOfUnknownCards,
        Self::PastDue,
        Self::Switch,
        Self::Resume,
        Self::OrderOnThePage,
        Self::OrderOfAStranger,
        Self::CardOnThePage,
        Self::SwitchOnThePage,
        Self::ResumeOnThePage,
        Self::CardByMail,
    ];

    /// Whether the customer pays for something overdue.
    fn is_past_due(self) -> bool {
        matches!(self, Self::PastDue | Self::CardOnThePage | Self::CardByMail)
    }

    /// Which subscription the customer has before, and by which card.
    fn before(self) -> Option<(&'static str, &'static str, bool)> {
        match self {
            Self::ChangeOfUnknownCards => Some(("monthly", OK, true)),
            Self::PastDue | Self::CardOnThePage | Self::CardByMail => {
                Some(("monthly", DECLINED, true))
            }
            Self::Switch | Self::SwitchOnThePage | Self::Resume | Self::ResumeOnThePage => {
                Some(("monthly", OK, false))
            }
            _ => None,
        }
    }
}

impl Customer {
    async fn of(t: &TestApp, way: Way, number: usize) -> Self {
        let email = format!("reader{number}@example.org");
        let tokens = t.reader(&email).await;
        let browser = logged_in(t, &email, PASSWORD).await;
        let mut id = String::new();
        if let Some((plan, method, trial)) = way.before() {
            let order = json!({"plan": plan, "payment_method": method, "trial": trial});
            let begun = t.subscribe(&tokens, order).await;
            assert_eq!(begun.status, 201, "{}", begun.text());
            begun.json()["id"].as_str().unwrap().clone_into(&mut id);
        }
        if matches!(way, Way::Switch | Way::SwitchOnThePage | Way::Resume | Way::ResumeOnThePage) {
            let changed =
                t.about(&tokens, &id, "payment-method", json!({"payment_method": DECLINED}));
            assert_eq!(changed.await.status, 200);
        }
        Self { t: t.clone(), tokens, id, browser, number }
    }

    async fn log_in_again(&mut self) {
        let email = format!("reader{}@example.org", self.number);
        self.tokens = self.t.device(&email).await;
        self.browser = logged_in(&self.t, &email, PASSWORD).await;
    }

    async fn tries(&mut self, way: Way) -> Answer {
        let (t, tokens, id) = (self.t.clone(), self.tokens.clone(), self.id.clone());
        let order = |plan: &str, card: &str| json!({"plan": plan, "payment_method": card});
        let card = |card: &str| json!({"payment_method": card});
        match way {
            Way::Order => t.subscribe(&tokens, order("annual", DECLINED)).await,
            Way::OrderOfUnknownCards => t.subscribe(&tokens, order("annual", "pm_4242")).await,
            Way::TrialOfUnknownCards => t.subscribe(&tokens, order("monthly", "pm_4242")).await,
            Way::ChangeOfUnknownCards => {
                t.about(&tokens, &id, "payment-method", card("pm_4242")).await
            }
            Way::PastDue => t.about(&tokens, &id, "payment-method", card(DECLINED)).await,
            Way::Switch => {
                let to = json!({"plan": "annual"});
                let shown = t.about(&tokens, &id, "switch/preview", to).await.json();
                let to = json!({"plan": "annual", "preview": shown["preview"]});
                t.about(&tokens, &id, "switch", to).await
            }
            Way::Resume => t.about(&tokens, &id, "resume", json!({})).await,
            Way::OrderOnThePage => {
                let page = "/subscribe?site=demo&plan=annual";
                let fields = [("payment_method", DECLINED), ("agree", "yes")];
                self.browser.submit(page, "/subscribe", &fields).await
            }
            Way::OrderOfAStranger => {
                if self.browser.is_logged_in() {
                    self.browser = at_the_wall(&t).await;
                }
                let email = format!("stranger{}@example.org", self.number);
                let page = "/subscribe?site=demo&plan=annual";
                let fields =
                    [("email", email.as_str()), ("payment_method", DECLINED), ("agree", "yes")];
                self.browser.submit(page, "/subscribe", &fields).await
            }
            Way::CardOnThePage => {
                let page = format!("/account/card?id={id}");
                self.browser.submit(&page, "/account/card", &[("payment_method", DECLINED)]).await
            }
            Way::SwitchOnThePage => {
                let page = format!("/account/switch?id={id}&plan=annual");
                self.browser.submit(&page, "/account/switch", &[]).await
            }
            Way::ResumeOnThePage => self.browser.submit("/account", "/account/resume", &[]).await,
            Way::CardByMail => {
                let subscription = id.parse().unwrap();
                let links = &t.state.billing.links;
                let now = pressgate::clock::Clock::now(&*t.clock);
                let url = links.url(pressgate::billing::link::LinkPurpose::Card, subscription, now);
                let path = &url[url.find("/mail/card").unwrap()..];
                Browser::new(&t).submit(path, "/mail/card", &[("payment_method", DECLINED)]).await
            }
        }
    }
}

async fn strict(t: &TestApp) -> TestApp {
    t.another_process_with(&[("PRESSGATE__LIMITS__DECLINED_BURST", "3")]).await
}

on_both_databases! {
    async fn however_a_card_is_given_few_are_tried(t: TestApp) {
        let t = strict(&t).await;
        // The first charges after some trials are declined: those are no customer's tries.
        let mut customers = Vec::new();
        let resumes = |way| matches!(way, Way::Resume | Way::ResumeOnThePage);
        let (early, late): (Vec<_>, Vec<_>) = (Way::ALL.into_iter().enumerate())
            .partition(|&(_, way)| way.is_past_due() || resumes(way));
        for (number, way) in early {
            customers.push((Customer::of(&t, way, number).await, way));
        }
        // Ten days of the month are used, so what a pause credits does not pay for the next one.
        t.settle_until(pressgate::clock::Clock::now(&*t.clock).plus(Duration::days(10))).await;
        let support = Clerk::hired(&t, Role::Support).await;
        for (customer, _) in customers.iter().filter(|(_, way)| resumes(*way)) {
            support.acts(&customer.id, "pause", json!({"reason": "as asked"})).await;
        }
        let overdue = pressgate::clock::Clock::now(&*t.clock).plus(Duration::days(20) + Duration::HOUR);
        t.settle_until(overdue).await;
        for (number, way) in late {
            customers.push((Customer::of(&t, way, number).await, way));
        }
        for (mut customer, way) in customers {
            customer.log_in_again().await;
            for _ in 0..BURST {
                let tried = customer.tries(way).await;
                assert!(matches!(tried.status, 402 | 422), "{way:?}: {} {}", tried.status, tried.text());
            }
            let book = t.book().await.len();
            for faults in [json!({}), json!({"down": true})] {
                t.disturb(faults).await;
                let refused = customer.tries(way).await;
                assert_eq!(refused.status, 429, "{way:?}: {}", refused.text());
                let wait: u64 = refused.header("retry-after").parse().unwrap();
                assert!((1..=601).contains(&wait), "{way:?}: {wait}");
            }
            assert_eq!(t.book().await.len(), book, "{way:?}: the gateway is not asked");
            t.disturb(json!({})).await;
        }
    }

    async fn all_ways_count_together_and_a_good_card_is_never_counted(t: TestApp) {
        let t = strict(&t).await;
        let mut anna = Customer::of(&t, Way::ChangeOfUnknownCards, 0).await;
        for _ in 0..4 * BURST {
            let method = json!({"payment_method": OK});
            assert_eq!(t.about(&anna.tokens, &anna.id, "payment-method", method).await.status, 200);
        }
        assert_eq!(anna.tries(Way::OrderOfUnknownCards).await.status, 422);
        assert_eq!(anna.tries(Way::ChangeOfUnknownCards).await.status, 422);
        assert_eq!(anna.tries(Way::CardByMail).await.status, 200, "a card that is good");
        assert_eq!(anna.tries(Way::TrialOfUnknownCards).await.status, 422);
        for way in [Way::OrderOfUnknownCards, Way::ChangeOfUnknownCards, Way::CardByMail, Way::Order] {
            assert_eq!(anna.tries(way).await.status, 429, "{way:?}");
        }
        // What asks the gateway nothing is not refused.
        let canceled = t.about(&anna.tokens, &anna.id, "cancel", json!({"at": "period_end"})).await;
        assert_eq!(canceled.status, 200);
        assert_eq!(t.about(&anna.tokens, &anna.id, "resume", json!({})).await.status, 200);
        t.clock.advance(Duration::minutes(10));
        assert_eq!(anna.tries(Way::ChangeOfUnknownCards).await.status, 422, "one each ten minutes");
        assert_eq!(anna.tries(Way::ChangeOfUnknownCards).await.status, 429);
    }

    async fn of_cards_that_are_sent_at_once_few_are_tried(t: TestApp) {
        let t = strict(&t).await;
        let anna = Customer::of(&t, Way::ChangeOfUnknownCards, 0).await;
        let tries = (0..30).map(|i| {
            let (t, tokens, id) = (t.clone(), anna.tokens.clone(), anna.id.clone());
            let method = json!({"payment_method": format!("pm_{i}")});
            tokio::spawn(async move { t.about(&tokens, &id, "payment-method", method).await.status })
        });
        let statuses = join_all(tries).await.into_iter().map(Result::unwrap);
        let mut counts = [0, 0];
        for status in statuses {
            assert!(matches!(status, 422 | 429), "{status}");
            counts[usize::from(status == 429)] += 1;
        }
        assert_eq!(counts, [BURST, 30 - BURST]);
    }

    async fn a_card_whose_bank_asks_counts_until_it_has_an_answer(t: TestApp) {
        let t = strict(&t).await;
        let anna = Customer::of(&t, Way::Order, 0).await;
        let order = json!({"plan": "annual", "payment_method": "pm_sandbox_authentication"});
        let mut banks = Vec::new();
        for _ in 0..BURST {
            let begun = t.subscribe(&anna.tokens, order.clone()).await;
            assert_eq!(begun.status, 201, "{}", begun.text());
            banks.push(begun.json()["next_action"]["url"].as_str().unwrap().to_owned());
        }
        assert_eq!(t.subscribe(&anna.tokens, order.clone()).await.status, 429);
        assert_eq!(t.answer_bank(banks.last().unwrap(), "confirm").await, 303);
        let method = json!({"payment_method": "pm_4242"});
        let id = t.call(Method::GET, "/v1/subscriptions", &anna.tokens.access, None).await.json();
        let id = id["subscriptions"].as_array().unwrap().iter().find(|it| it["status"] == "active");
        let id = id.unwrap()["id"].as_str().unwrap().to_owned();
        assert_eq!(t.about(&anna.tokens, &id, "payment-method", method.clone()).await.status, 422);
        assert_eq!(t.about(&anna.tokens, &id, "payment-method", method).await.status, 429);
    }

    async fn declined_cards_of_all_readers_count_for_their_network(t: TestApp) {
        let mut readers = Vec::new();
        for number in 0..6 {
            readers.push(t.reader(&format!("reader{number}@example.org")).await);
        }
        let mut config = config(&t.place.url(), &[]);
        config.limits.cards.network = Some(Policy::new(3, Duration::MINUTE));
        let t = TestApp::open_config(t.place.clone(), t.clock.clone(), config).await.unwrap();
        let from = |ip: [u8; 4], who: &Tokens, order: Value| {
            let request = Request::post("/v1/subscriptions")
                .header("authorization", format!("Bearer {}", who.access))
                .header("content-type", "application/json")
                .extension(Peer(IpAddr::from(ip)))
                .body(Body::from(order.to_string()));
            let (t, request) = (t.clone(), request.unwrap());
            async move { t.send(request).await }
        };
        let declined = json!({"plan": "annual", "payment_method": DECLINED});
        let good = json!({"plan": "annual", "payment_method": OK});
        let here = [203, 0, 113, 7];
        assert_eq!(from(here, &readers[0], good.clone()).await.status, 201);
        for who in &readers[1..4] {
            assert_eq!(from(here, who, declined.clone()).await.status, 402);
        }
        t.disturb(json!({"down": true})).await;
        let refused = from(here, &readers[4], good.clone()).await;
        assert_eq!(refused.problem(), (429, "too_many_attempts".to_owned()));
        assert_eq!(refused.header("retry-after"), "60");
        t.disturb(json!({})).await;
        assert_eq!(from([203, 0, 114, 7], &readers[4], good.clone()).await.status, 201);
        t.clock.advance(Duration::MINUTE);
        assert_eq!(from(here, &readers[5], good).await.status, 201);
    }

    /// Failed attempts of another kind are no reason to refuse a card, and a declined card is no
    /// failed attempt: the limit of declined cards is the only one.
    async fn a_network_that_fails_otherwise_may_try_cards_and_the_other_way_round(t: TestApp) {
        let mut config = config(&t.place.url(), &[("PRESSGATE__LIMITS__DECLINED_BURST", "3")]);
        let each = Policy::new(5, Duration::HOUR);
        config.limits.network = Some(NetworkPolicies { each, all: each });
        let t = TestApp::open_config(t.place.clone(), t.clock.clone(), config).await.unwrap();
        let (failing, paying) = (t.from("203.0.113.7"), t.from("198.51.100.7"));
        let mut customers = Vec::new();
        for (number, way) in [Way::CardOnThePage, Way::CardByMail].into_iter().enumerate() {
            customers.push((Customer::of(&failing, way, number).await, way));
        }
        let overdue = pressgate::clock::Clock::now(&*t.clock).plus(Duration::days(30) + Duration::HOUR);
        t.settle_until(overdue).await;
        for (customer, _) in &mut customers {
            customer.log_in_again().await;
        }
        for (number, way) in [(2, Way::OrderOnThePage), (3, Way::SwitchOnThePage)] {
            customers.push((Customer::of(&failing, way, number).await, way));
        }
        for i in 0..8 {
            let wrong = failing.refresh(&format!("pgr_{}", "x".repeat(43))).await;
            assert_eq!(wrong.status, if i < 5 { 401 } else { 429 });
        }
        for (customer, way) in &mut customers {
            for _ in 0..BURST {
                let tried = customer.tries(*way).await;
                assert_eq!(tried.status, 402, "{way:?}: {}", tried.text());
            }
            assert_eq!(customer.tries(*way).await.status, 429, "{way:?}");
        }
        let mut customer = Customer::of(&paying, Way::OrderOnThePage, 9).await;
        for i in 0..10 {
            let tried = customer.tries(Way::OrderOnThePage).await;
            assert_eq!(tried.status, if i < BURST { 402 } else { 429 });
        }
        let wrong = paying.refresh(&format!("pgr_{}", "x".repeat(43))).await;
        assert_eq!(wrong.status, 401, "nothing else was counted");
        assert_eq!(paying.log_in("reader9@example.org", PASSWORD).await.status, 200);
    }
}
