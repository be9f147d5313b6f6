//! What can be written to a reader once more: anew, of what is so now. What a mail said is forgotten
//! when it was sent, and what it linked to may be over.

use uuid::Uuid;

use super::{
    Billing, BillingError,
    notices::{price, upcoming},
};
use crate::{
    billing::{
        invoice::store as invoices,
        letter::{News, Receipt},
        notice::{
            NoticeKind, record,
            store::{Notice, Status},
        },
        subscription::{
            model::{State, Subscription, Then},
            store,
        },
    },
    clock::Timestamp,
    db::Tx,
    language::Language,
};

/// A letter about billing that can be written once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// The receipt of a paid invoice.
    Receipt(Uuid),
    /// What the law wants told of this subscription, while it still says something true.
    Notice(Uuid, NoticeKind),
}

/// Such a letter, with the words to choose it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Which.
    pub again: Again,
    /// The invoice's number, or the plan that it is about.
    pub about: String,
}

/// Most receipts that are offered.
const RECEIPTS_MAX: usize = 12;

impl Billing {
    /// What can be written to a reader once more, the latest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn offers_again(
        &self,
        tx: &mut Tx,
        reader: Uuid,
    ) -> Result<Vec<Offer>, BillingError> {
        let now = self.clock.now();
        let mut offers = Vec::new();
        let paid = invoices::list_for_reader(tx, reader).await?;
        for invoice in paid.iter().filter(|it| it.charge().is_some()).take(RECEIPTS_MAX) {
            let about = invoice.number().unwrap_or_default().to_owned();
            offers.push(Offer { again: Again::Receipt(invoice.head.id), about });
        }
        for notice in record::of_reader(tx, reader).await? {
            let again = Again::Notice(notice.subscription, notice.kind);
            if notice.status != Status::Sent || offers.iter().any(|it| it.again == again) {
                continue;
            }
            let found = store::find(tx, &self.catalogs, notice.subscription).await?;
            let Some(it) = found.map(|it| it.as_of(now)) else { continue };
            if self.still_true(&it, &notice, now).is_some() {
                // The office is in English.
                let about = it.terms.plan.name.in_language(Language::English).to_owned();
                offers.push(Offer { again, about });
            }
        }
        Ok(offers)
    }

    /// Writes it; says whether there was such a one to write.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tell_again(
        &self,
        tx: &mut Tx,
        reader: Uuid,
        again: Again,
    ) -> Result<bool, BillingError> {
        let now = self.clock.now();
        let (it, news) = match again {
            Again::Receipt(id) => {
                let invoice = invoices::find(tx, id).await?;
                let Some(invoice) = invoice.filter(|it| it.head.reader == reader) else {
                    return Ok(false);
                };
                let it = store::find(tx, &self.catalogs, invoice.head.subscription).await?;
                let (Some(it), Some(_)) = (it, invoice.charge()) else { return Ok(false) };
                let receipt = Receipt {
                    total: invoice.due,
                    invoice: invoice.number().unwrap_or_default().to_owned(),
                    period: invoice.head.period,
                };
                let it = it.as_of(now);
                let next = upcoming(&it);
                let after_trial = it.trial.is_some_and(|it| it.end == receipt.period.start);
                (it, News::Renewed { receipt, next, after_trial, withdraw_until: None })
            }
            Again::Notice(subscription, kind) => {
                let sent = record::of_reader(tx, reader).await?.into_iter().find(|it| {
                    (it.subscription, it.kind, it.status) == (subscription, kind, Status::Sent)
                });
                let found = store::find(tx, &self.catalogs, subscription).await?;
                let (Some(notice), Some(it)) = (sent, found) else { return Ok(false) };
                let it = it.as_of(now);
                let Some(news) = self.still_true(&it, &notice, now) else { return Ok(false) };
                (it, news)
            }
        };
        self.tell(tx, &it, news, now).await?;
        Ok(true)
    }

    /// What a notice that was sent says now; nothing once its moment is past.
    fn still_true(&self, it: &Subscription, notice: &Notice, now: Timestamp) -> Option<News> {
        match notice.kind {
            NoticeKind::Receipt => match (&it.state, it.trial) {
                (State::Trialing { .. }, Some(trial)) => Some(News::TrialStarted {
                    ends: trial.end,
                    price: price(it, &it.terms),
                    first_charge: upcoming(it).map(|next| next.at),
                    withdraw_until: self.withdraw_until(it, now),
                }),
                _ => None,
            },
            NoticeKind::CancellationReceipt => match (it.then(), it.period()) {
                (Some(Then::Cancel { decided_at, .. }), Some(period)) => {
                    let in_trial = matches!(it.state, State::Trialing { .. });
                    let (at, access_until) = (*decided_at, period.end);
                    Some(News::CancelScheduled { at, access_until, in_trial })
                }
                _ => None,
            },
            _ if notice.about <= now => None,
            _ => self.news_of(it, notice, now),
        }
    }
}
