//! For the publisher's mail tool: who receives a list, page by page.

use csv::WriterBuilder;
use serde::Serialize;

use super::{
    link::Purpose,
    model::Subscription,
    newsletters::{NewsletterError, Newsletters},
    store,
};
use crate::{
    billing::{
        access::Standing,
        catalog::newsletters::{INCLUDED, Newsletter},
    },
    clock::Timestamp,
    db::Tx,
    http::csv::is_formula,
    language::Language,
};

/// How many are looked at for one page.
const PAGE: i64 = 500;

/// One who receives a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recipient {
    /// The address, fit for sending.
    pub email: String,
    /// Since when.
    pub subscribed_at: Timestamp,
    /// For the header `List-Unsubscribe` of each mail (RFC 8058): leaves this list, and no other.
    pub unsubscribe_url: String,
    /// In which language they read.
    pub language: Language,
}

/// A part of those who receive a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In the order of their addresses.
    pub recipients: Vec<Recipient>,
    /// The address after which the next page begins, if there is one.
    pub next: Option<String>,
}

impl Newsletters {
    /// Those who receive `newsletter`, after the address `after` (empty for the first page). Where
    /// it is for subscribers, only those whose subscription runs now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recipients(
        &self,
        newsletter: &Newsletter,
        after: &str,
    ) -> Result<Page, NewsletterError> {
        let mut tx = self.db.read().await?;
        let found = store::list_receiving(&mut tx, &newsletter.id, after, PAGE).await?;
        let is_last = i64::try_from(found.len()).is_ok_and(|found| found < PAGE);
        let last = found.last().map(|subscription| subscription.email.key().to_owned());
        let mut recipients = Vec::new();
        for subscription in found {
            if !newsletter.for_subscribers || self.may_receive(&mut tx, &subscription).await? {
                recipients.push(Recipient {
                    email: subscription.email.key().to_owned(),
                    subscribed_at: subscription.confirmed_at,
                    unsubscribe_url: self.link(Purpose::Unsubscribe, subscription.id),
                    language: subscription.language,
                });
            }
        }
        Ok(Page { recipients, next: last.filter(|_| !is_last) })
    }

    /// Whether the address belongs to an account that has what a subscription to newsletters asks.
    async fn may_receive(
        &self,
        tx: &mut Tx,
        subscription: &Subscription,
    ) -> Result<bool, NewsletterError> {
        let Some(account) = store::account_of(tx, &subscription.email).await? else {
            return Ok(false);
        };
        let standing = Standing::of(tx, &self.catalogs, account.id).await?;
        Ok(standing.includes(INCLUDED, self.clock.now()))
    }
}

/// These recipients as CSV (RFC 4180), with the names of the columns where it is the `first` page.
///
/// # Errors
/// When it cannot be written out.
pub fn csv(recipients: &[Recipient], first: bool) -> Result<Vec<u8>, csv::Error> {
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    if first {
        writer.write_record(["email", "subscribed_at", "unsubscribe_url", "language"])?;
    }
    for recipient in recipients {
        let email = harmless(&recipient.email);
        let since = recipient.subscribed_at.to_string();
        let language = recipient.language.tag();
        writer.write_record([&*email, &since, &recipient.unsubscribe_url, language])?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// An address may begin as a formula does. In quotes it is the same mailbox (RFC 5321, section
/// 4.1.2) and a text to every spreadsheet, while the usual apostrophe would make it another's.
fn harmless(email: &str) -> String {
    match email.split_once('@') {
        Some((local, domain)) if is_formula(email) => {
            let local = local.replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{local}\"@{domain}")
        }
        _ => email.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::address::Address;

    fn recipient(email: &str) -> Recipient {
        Recipient {
            email: Address::parse(email).unwrap().key().to_owned(),
            subscribed_at: Timestamp::parse("2026-11-23T04:05:06Z").unwrap(),
            unsubscribe_url: "https://pay.example/newsletters/unsubscribe?token=x".to_owned(),
            language: Language::French,
        }
    }

    #[test]
    fn a_row_is_what_a_mail_tool_needs() {
        let text = csv(&[recipient("anna@example.org")], true).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "email,subscribed_at,unsubscribe_url,language\n\
             anna@example.org,2026-11-23T04:05:06Z,\
             https://pay.example/newsletters/unsubscribe?token=x,fr\n"
        );
    }

    #[test]
    fn an_address_is_no_formula_and_stays_the_same_mailbox() {
        for email in ["=cmd|'/c!a1'@example.org", "+1@example.org", "-1@example.org"] {
            assert!(Address::parse(email).is_ok(), "{email} can be written to");
            let text = String::from_utf8(csv(&[recipient(email)], false).unwrap()).unwrap();
            assert!(text.starts_with("\"\"\""), "{text}");
            let mut reader =
                csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
            let cell = reader.records().next().unwrap().unwrap()[0].to_owned();
            let (local, domain) = email.split_once('@').unwrap();
            assert_eq!(cell, format!("\"{local}\"@{domain}"));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_cell_begins_as_a_formula(local in "[!-~]{1,20}") {
            if let Ok(address) = Address::parse(&format!("{local}@example.org")) {
                let text = csv(&[recipient(address.typed())], false).unwrap();
                let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&*text);
                for cell in &reader.records().next().unwrap().unwrap() {
                    proptest::prop_assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
                }
            }
        }
    }
}
