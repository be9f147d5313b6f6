//! Notices: what must be told before its time, planned after each change and sent when due.

use super::{Billing, BillingError};
use crate::{
    billing::{
        catalog::model::Terms,
        event::{Actor, Event},
        letter::{News, Price, Upcoming},
        notice::{
            NoticeKind,
            plan::{NoticeFacts, Planned, PriceChange, planned},
            send,
            store::{self as notices, Notice, Owner},
        },
        subscription::model::{Purchase, State, Subscription, Then},
        tax::taxed,
    },
    clock::Timestamp,
    db::Tx,
};

/// What a period of `terms` costs this subscriber.
pub(super) fn price(subscription: &Subscription, terms: &Terms) -> Price {
    let rate = terms.catalog.tax_of(&subscription.country);
    let amount = taxed(terms.plan.price, rate).map_or(terms.plan.price, |taxed| taxed.total);
    Price { amount, interval: terms.plan.interval }
}

/// The next charge, if all goes as planned.
pub(super) fn upcoming(subscription: &Subscription) -> Option<Upcoming> {
    let (at, terms) = subscription.next_charge()?;
    Some(Upcoming { price: price(subscription, terms), at })
}

impl Billing {
    /// The terms to which a subscriber moves when the price of the plan changes, and when: at the
    /// first renewal that can still be announced in time.
    pub(super) fn migration(
        &self,
        it: &Subscription,
        now: Timestamp,
    ) -> Option<(Terms, PriceChange)> {
        let catalog = self.catalogs.current();
        let terms = Terms::of(&catalog, &it.terms.plan.id)?;
        let migrate = catalog.migration_of(&terms.plan.id, &it.terms.catalog)?;
        let notice_days = migrate.notice_days;
        let earliest = now.plus(time::Duration::days(i64::from(notice_days))).max(migrate.from);
        let mut purchase = it.next_purchase(it.terms.clone())?;
        let interval = it.terms.plan.interval;
        // A renewal comes every month or year, so one of these is late enough.
        for _ in 0..1_000 {
            if purchase.turn.period.start >= earliest {
                let from = purchase.turn.period.start;
                return Some((terms, PriceChange { from, notice_days }));
            }
            purchase.turn = purchase.turn.next(interval, interval)?;
        }
        None
    }

    /// The next period as it is to be charged: at another price only where the reader was told of
    /// it, for this very charge and in time.
    pub(super) async fn at_its_price(
        &self,
        tx: &mut Tx,
        it: &Subscription,
        purchase: Purchase,
    ) -> Result<Purchase, BillingError> {
        let stays = matches!(it.then(), Some(Then::Renew));
        let from = purchase.turn.period.start;
        let announced = from.minus(time::Duration::days(400));
        let Some((terms, change)) = self.migration(it, announced).filter(|_| stays) else {
            return Ok(purchase);
        };
        let kind = NoticeKind::PriceChange;
        let told_at = notices::sent_at(tx, it.id, kind, from).await?;
        let in_time = from.minus(time::Duration::days(i64::from(change.notice_days)));
        match told_at {
            Some(told_at) if told_at <= in_time && terms.plan.migrate.is_some() => {
                Ok(it.next_purchase(terms).unwrap_or(purchase))
            }
            _ => Ok(purchase),
        }
    }

    fn facts<'a>(&self, it: &'a Subscription, now: Timestamp) -> NoticeFacts<'a> {
        let renews = matches!(it.then(), Some(Then::Renew | Then::Switch { .. }));
        let interval = match it.then() {
            Some(Then::Switch { terms }) => terms.plan.interval,
            _ => it.terms.plan.interval,
        };
        let in_trial = matches!(it.state, State::Trialing { .. });
        let stays = matches!(it.then(), Some(Then::Renew));
        NoticeFacts {
            country: Some(&it.country),
            interval,
            trial: it.trial.filter(|_| in_trial),
            will_renew: renews,
            next_charge_at: it.next_charge().map(|(at, _)| at),
            started_at: it.trial.map_or(it.created_at, |trial| trial.start),
            agreed_at: it.agreed_at,
            card_expires: it.method.as_ref().map(|method| method.expires),
            price_change: self.migration(it, now).filter(|_| stays).map(|(_, change)| change),
        }
    }

    /// Plans what is to be told, and says when the next of it is to go out.
    pub(super) async fn plan_notices(
        &self,
        tx: &mut Tx,
        it: &Subscription,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, BillingError> {
        let owner = Owner { subscription: it.id, reader: it.reader };
        let planned = planned(&self.facts(it, now), &self.duties);
        Ok(notices::replan(tx, owner, &planned, now).await?)
    }

    /// What is to be told of one that is new, and when the first of it is to go out.
    pub(super) fn first_notices(
        &self,
        it: &Subscription,
        now: Timestamp,
    ) -> (Vec<Planned>, Option<Timestamp>) {
        let planned = planned(&self.facts(it, now), &self.duties);
        let to_come = planned.iter().filter(|it| it.about > now);
        let next_at = to_come.map(|it| it.send_at).min();
        (planned, next_at)
    }

    /// Sends what is to go out by now, and says how much that was.
    pub(super) async fn send_notices(
        &self,
        tx: &mut Tx,
        it: &Subscription,
        now: Timestamp,
    ) -> Result<usize, BillingError> {
        let due = notices::due(tx, it.id, now).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let Some(to) = self.recipient(tx, it.reader).await? else { return Ok(0) };
        let mut sent = 0;
        for notice in due {
            let Some(news) = self.news_of(it, &notice, now) else { continue };
            let letter = self.letter(it, news, now);
            if send::send(tx, (&self.mail, &to), &notice, &letter, now).await? {
                let event = Event::NoticeSent { notice: notice.kind.as_str() };
                self.write_event(tx, (it, &event), Actor::System, now)?;
                sent += 1;
            }
        }
        Ok(sent)
    }

    pub(super) fn news_of(
        &self,
        it: &Subscription,
        notice: &Notice,
        now: Timestamp,
    ) -> Option<News> {
        let next = upcoming(it);
        Some(match notice.kind {
            NoticeKind::TrialEnding => {
                let terms = it.next_charge().map_or(&it.terms, |(_, terms)| terms);
                let ends = it.trial?.end;
                News::TrialEnding { ends, price: price(it, terms), charged: next.is_some() }
            }
            NoticeKind::Renewal | NoticeKind::RenewalDeadline => {
                News::RenewalComing { next: next? }
            }
            NoticeKind::YearlyReminder => News::YearlyReminder { next: next? },
            NoticeKind::PriceChange | NoticeKind::PriceChangeReminder => {
                let (terms, _) = self.migration(it, now.minus(time::Duration::days(400)))?;
                let (old, new) = (price(it, &it.terms), price(it, &terms));
                News::PriceChange { old, new, from: notice.about }
            }
            NoticeKind::CardExpiring => {
                let method = it.method.as_ref()?;
                let last4 = method.last4.clone();
                News::CardExpiring { last4, month: method.expires, next: next? }
            }
            NoticeKind::Receipt | NoticeKind::CancellationReceipt => return None,
        })
    }
}
