//! What can be seen from outside, in the words of the vectors.

use pressgate::clock::Timestamp;
use serde_json::{Map, Value, json};

use super::{format::instant, player::Player};
use crate::app::Answer;

/// The reasons of a decision that a subscription gives; with any other it gave no access.
const REASONS: [&str; 4] = ["subscriber", "trial", "grace_period", "complimentary"];
const SWITCHED: &str = "You switched to another plan";
/// The mails that vectors speak of: how their subjects begin, and their kinds.
const KINDS: [(&str, &str); 14] = [
    ("Your free trial has started", "receipt"),
    ("Your subscription has started", "receipt"),
    ("Your subscription was renewed", "receipt"),
    ("Your free trial has ended: your first receipt", "receipt"),
    ("Thank you, your payment went through", "receipt"),
    (SWITCHED, "receipt"),
    ("Your subscription is no longer paused", "receipt"),
    ("Your free trial ends soon", "trial_ending"),
    ("Your subscription renews soon", "renewal_ahead"),
    ("Your payment did not go through", "payment_failed"),
    ("Your payment still has not gone through", "payment_failed"),
    ("You canceled your subscription", "cancellation"),
    ("You canceled your free trial", "cancellation"),
    ("Your subscription was canceled", "cancellation"),
];

impl Player {
    /// Those of the expected fields that can be seen now.
    pub(crate) async fn see(
        &mut self,
        reader: &str,
        expected: &Map<String, Value>,
    ) -> Map<String, Value> {
        let mut found = Map::new();
        if let Some(id) = self.reader(reader).subscription.clone() {
            let subscription = self.read(&format!("/v1/subscriptions/{id}"), reader).await;
            found.extend(subscription.as_object().unwrap().clone());
        }
        if expected.contains_key("access") {
            found.insert("access".to_owned(), self.access(reader).await);
        }
        if expected.contains_key("charges") {
            found.insert("charges".to_owned(), self.charges().await);
        }
        if expected.contains_key("invoices") {
            found.insert("invoices".to_owned(), self.invoices(reader).await);
        }
        if expected.contains_key("mails") {
            found.insert("mails".to_owned(), self.mails(reader).await);
        }
        found
    }

    /// By which right the reader reads, if by any: a question that counts nothing.
    async fn access(&mut self, reader: &str) -> Value {
        let token = self.token(reader).await;
        let article = json!({"id": "a", "access": "subscribers"});
        let question = json!({"article": article, "reader": token, "dry_run": true});
        let answer = self.t.access(question).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let reason = answer.json()["reason"].as_str().unwrap().to_owned();
        if REASONS.contains(&reason.as_str()) { json!(reason) } else { Value::Null }
    }

    /// The gateway's own book: what was asked of it and settled, the oldest first.
    async fn charges(&self) -> Value {
        let answer = self.t.get("/sandbox/gateway/charges?limit=1000").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let book = answer.json();
        assert!(book["next"].is_null(), "more charges than fit in one answer");
        let mut charges: Vec<Value> = book["charges"].as_array().unwrap().clone();
        charges.retain(|charge| charge["status"] == "succeeded" || charge["status"] == "declined");
        charges.sort_by_key(|charge| instant(charge["at"].as_str().unwrap()));
        let row =
            |charge: &Value| json!([charge["at"], charge["amount"]["amount"], charge["status"]]);
        charges.iter().map(row).collect()
    }

    /// Status and total of each invoice that has left the draft, in the order of their periods.
    async fn invoices(&mut self, reader: &str) -> Value {
        let body = self.read("/v1/invoices", reader).await;
        let mut invoices: Vec<Value> = body["invoices"].as_array().unwrap().clone();
        invoices.retain(|invoice| invoice["status"] != "draft" && amount(invoice) != 0);
        // They come with the newest first; of one instant the older one is first here.
        invoices.reverse();
        invoices.sort_by_key(|invoice| invoice["period_start"].as_str().map(instant));
        let row = |invoice: &Value| json!([invoice["status"], amount(invoice)]);
        invoices.iter().map(row).collect()
    }

    /// The kinds of the mails that the reader was sent since the vector began.
    async fn mails(&self, reader: &str) -> Value {
        let mails = self.t.mails_to(&self.reader(reader).email).await;
        let kind = |mail: &Value| {
            let sent_at = instant(mail["sent_at"].as_str().unwrap());
            kind_of(mail).map(|kind| (sent_at, kind)).filter(|_| sent_at >= self.begun)
        };
        let mut kinds: Vec<_> = mails.iter().filter_map(kind).collect();
        kinds.sort();
        kinds.into_iter().map(|(_, kind)| json!(kind)).collect()
    }
}

/// What kind of mail it is, if vectors speak of it.
fn kind_of(mail: &Value) -> Option<&'static str> {
    let [subject, text] = ["subject", "text"].map(|name| mail[name].as_str().unwrap());
    let (_, kind) = KINDS.iter().find(|(start, _)| subject.starts_with(start))?;
    // Another plan in a trial is told as one that is paid, with nothing as what was paid.
    let paid = text.lines().find(|line| line.starts_with("Paid:")).unwrap_or_default();
    let of_nothing = subject == SWITCHED && !paid.contains(|digit| ('1'..='9').contains(&digit));
    (!of_nothing).then_some(kind)
}

fn amount(invoice: &Value) -> i64 {
    invoice["total"]["amount"].as_i64().unwrap()
}

/// Status and, for a problem, code.
pub(crate) fn outcome(answer: &Answer) -> Map<String, Value> {
    let mut found = Map::from_iter([("status".to_owned(), json!(answer.status))]);
    if answer.status >= 400 {
        found.insert("code".to_owned(), json!(answer.problem().1));
    }
    found
}

/// What differs in the fields that are expected.
pub(crate) fn differences(
    expected: &Map<String, Value>,
    found: &Map<String, Value>,
) -> Vec<String> {
    let differs = |(name, value): (&String, &Value)| {
        let seen = found.get(name).unwrap_or(&Value::Null);
        let same = normal(value) == normal(seen);
        (!same).then(|| format!("{name}: expected {value}, found {seen}"))
    };
    expected.iter().filter_map(differs).collect()
}

/// The same instant may be written in more than one way.
fn normal(value: &Value) -> Value {
    match value {
        Value::String(text) => match Timestamp::parse(text) {
            Some(at) => json!(at.to_string()),
            None => value.clone(),
        },
        Value::Array(values) => values.iter().map(normal).collect(),
        other => other.clone(),
    }
}
