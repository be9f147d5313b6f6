//! `pressgate subscription …`: what the office does with subscriptions, for scripts.

use std::io::Write;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use uuid::Uuid;

use super::{Failure, complaint::Complaint};
use crate::{
    app::AppState,
    audit::{
        model::{Action, Actor, Entry},
        store as audit,
    },
    billing::{
        engine::{Act, BillingError, CancelAt, DAYS_MAX, Gift, Office, REASON_MAX},
        grant::Listed,
        review::Review,
        subscription::model::Subscription,
    },
    clock::Timestamp,
    config::Config,
    http::problem::{ApiError, FieldError},
    language::Language,
    mail::address::Address,
    reader::{
        gift::{Offer, Offered},
        store as readers,
    },
    staff::{
        api::{ForeseenBody, GivenBody, GivenPage, OfferedBody, Page, StaffSubscription, Whole},
        disclosures::Lookup,
        find::{given::GivenLooked, looked::Looked},
        visibility::Visibility,
    },
};

#[derive(Debug, Subcommand)]
pub(super) enum SubscriptionCommand {
    /// List subscriptions, the latest first.
    List(List),
    /// Show everything about one.
    Show(Show),
    /// End one: with its running period, or now.
    Cancel {
        #[command(flatten)]
        on: On,
        /// When.
        #[arg(long, value_enum)]
        at: At,
        /// Give the running period's payment back; goes with `--at now`.
        #[arg(long)]
        refund: bool,
    },
    /// Give money of the last payment back.
    Refund {
        #[command(flatten)]
        on: On,
        /// How much, in minor units of the currency that was paid: 290 is $2.90. All that is left
        /// where nothing is said.
        #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
        amount: Option<i64>,
    },
    /// Give days before the next payment.
    Extend {
        #[command(flatten)]
        on: On,
        /// How many.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(DAYS_MAX)))]
        days: u32,
    },
    /// Stop one until it is resumed.
    Pause {
        #[command(flatten)]
        on: On,
    },
    /// End a pause, for which the next period is charged, or take a cancellation back.
    Resume {
        #[command(flatten)]
        on: On,
    },
    /// Switch to another plan.
    Switch {
        #[command(flatten)]
        on: On,
        /// The plan's id.
        #[arg(long)]
        plan: String,
        /// `switch.preview` of `--dry-run --json`: it is done exactly so, or not at all.
        #[arg(long)]
        preview: Option<String>,
    },
    /// Take a planned switch back.
    KeepPlan {
        #[command(flatten)]
        on: On,
    },
    /// Give a reader a product for a while: by a link in a mail where the address has no account.
    Give(Give),
    /// List what was given away, the latest first.
    Given {
        /// `running`, `ended` or `taken_back`.
        #[arg(long, default_value = "")]
        state: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take back what was given away.
    TakeBack {
        /// The id of what was given.
        id: Uuid,
        #[command(flatten)]
        why: Why,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum At {
    PeriodEnd,
    Now,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// An address or a part of it, an id, an invoice's number, or a card's last four digits.
    #[arg(default_value = "")]
    q: String,
    /// `incomplete`, `trialing`, `active`, `past_due`, `paused`, `canceled` or `expired`.
    #[arg(long, default_value = "")]
    status: String,
    /// The plan's id.
    #[arg(long, default_value = "")]
    plan: String,
    /// How many at most: 1 to 200.
    #[arg(long, default_value = "50")]
    limit: String,
    /// `next_cursor` of the list before.
    #[arg(long, default_value = "")]
    cursor: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// The subscription's id.
    id: Uuid,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Why something is done, and how it is told.
#[derive(Debug, Args)]
pub(super) struct Why {
    /// Why, for the audit log.
    #[arg(long)]
    reason: String,
    /// What this is called, as a UUID: called so again, it is not done again.
    #[arg(long)]
    operation: Option<Uuid>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// To which subscription something is done.
#[derive(Debug, Args)]
pub(super) struct On {
    /// The subscription's id.
    id: Uuid,
    #[command(flatten)]
    why: Why,
    /// The revision that was seen: where it is another by now, nothing is done.
    #[arg(long)]
    revision: Option<i64>,
    /// Say what would come of it, and do nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
pub(super) struct Give {
    /// The reader's address or id.
    reader: String,
    /// For how many days.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(DAYS_MAX)))]
    days: u32,
    /// The product; the catalog's first where nothing is said.
    #[arg(long)]
    product: Option<String>,
    #[command(flatten)]
    why: Why,
}

pub(super) async fn run(
    command: SubscriptionCommand,
    config: Config,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let state = AppState::open_on_this_machine(config).await?;
    let said = take(command, &state).await;
    state.databases.close().await;
    writeln!(out, "{}", said?)?;
    Ok(())
}

async fn take(command: SubscriptionCommand, state: &AppState) -> Result<String, Failure> {
    use SubscriptionCommand as C;
    let (on, act, action) = match command {
        C::List(list) => return list.print(state).await,
        C::Show(show) => return show.print(state).await,
        C::Give(give) => return give.give(state).await,
        C::Given { state: which, json } => return given(state, which, json).await,
        C::TakeBack { id, why } => return take_back(state, id, &why).await,
        C::Cancel { on, at, refund } => {
            let at = match at {
                At::PeriodEnd => CancelAt::PeriodEnd,
                At::Now => CancelAt::Now,
            };
            if refund && at == CancelAt::PeriodEnd {
                let rule = "goes with `--at now`: what is read until then was paid for";
                return Err(Complaint::of(invalid("refund", rule), on.why.json));
            }
            (on, Act::Cancel { at, refund }, Action::SubscriptionCanceled)
        }
        C::Refund { on, amount } => {
            (on, Act::Refund { invoice: None, amount }, Action::SubscriptionRefunded)
        }
        C::Extend { on, days } => (on, Act::Extend { days }, Action::SubscriptionExtended),
        C::Pause { on } => (on, Act::Pause, Action::SubscriptionPaused),
        C::Resume { on } => (on, Act::Resume, Action::SubscriptionResumed),
        C::Switch { on, plan, preview } => {
            let act = Act::Switch { plan };
            return on.act(state, (&act, preview.as_deref()), Action::SubscriptionSwitched).await;
        }
        C::KeepPlan { on } => (on, Act::KeepPlan, Action::SubscriptionSwitchRevoked),
    };
    on.act(state, (&act, None), action).await
}

/// An argument that is not as it must be.
pub(super) fn invalid(field: &'static str, rule: &str) -> ApiError {
    ApiError::InvalidFields(vec![FieldError::new(field, "invalid_value", rule)])
}

/// `value` as JSON, or in words.
pub(super) fn printed<T: Serialize>(
    json: bool,
    value: &T,
    words: impl FnOnce() -> String,
) -> Result<String, Failure> {
    if json { Ok(serde_json::to_string_pretty(value)?) } else { Ok(words()) }
}

impl Why {
    /// Who acts, and why: whoever has the machine.
    fn office(&self, action: Action, now: Timestamp) -> Result<Office, Failure> {
        let reason = self.reason.trim().to_owned();
        if reason.is_empty() || reason.chars().count() > REASON_MAX {
            let rule = "must say why, in at most 500 characters";
            return Err(Complaint::of(invalid("reason", rule), self.json));
        }
        let entry = Entry::new(now, Actor::Command, action);
        Ok(Office { entry, reason, seen: None, operation: self.operation })
    }
}

impl On {
    async fn act(
        self,
        state: &AppState,
        (act, preview): (&Act, Option<&str>),
        action: Action,
    ) -> Result<String, Failure> {
        let (billing, json) = (&state.billing, self.why.json);
        let complain = |error: BillingError| Complaint::of(error, json);
        if self.dry_run {
            let foreseen = billing.foresee_act(self.id, act).await.map_err(complain)?;
            let body = ForeseenBody::of(foreseen, &state.desk.words());
            return printed(json, &body, || body.sentences.join("\n"));
        }
        let office = self.why.office(action, billing.clock.now())?;
        let office = Office { seen: self.revision, ..office };
        match billing.carry_out(self.id, (act, preview), &office).await {
            Ok(_) | Err(BillingError::Repeated) => {}
            Err(error) => return Err(complain(error)),
        }
        let it = billing.lookup(self.id).await.map_err(complain)?;
        printed(json, &StaffSubscription::from(&it), || line(&it, None))
    }
}

/// A subscription in a line.
pub(super) fn line(it: &Subscription, email: Option<&str>) -> String {
    let status = it.state.status().as_str();
    let until = match (it.state.ended(), it.period()) {
        (Some((at, reason)), _) => format!("  ended {at}: {}", reason.as_str()),
        (None, Some(period)) => format!("  until {}", period.end),
        (None, None) => String::new(),
    };
    let to_end = if it.cancels_at_period_end() { ", then it ends" } else { "" };
    let email = email.map(|email| format!("  {email}")).unwrap_or_default();
    format!("{}{email}  {}  {status}{until}{to_end}", it.id, it.terms.plan.id)
}

impl List {
    async fn print(self, state: &AppState) -> Result<String, Failure> {
        let List { q, status, plan, limit, cursor, json } = self;
        let looked = Looked { q, status, plan, cursor, limit, ..Looked::default() };
        let by = Lookup::by_operator(state.billing.clock.now());
        let page = state.desk.list_subscriptions(&by, &looked).await;
        let page = page.map_err(|error| Complaint::of(error, json))?;
        if json {
            return Ok(serde_json::to_string_pretty(&Page::of(page, Visibility::operator()))?);
        }
        let lines = page.entries.iter().map(|entry| match &entry.subscription {
            Ok(it) => line(it, Some(entry.email.as_deref().unwrap_or("erased"))),
            Err(why) => format!("{}  unreadable: {why}", entry.id),
        });
        Ok(lines_or(&lines.collect::<Vec<_>>(), "There are none."))
    }
}

/// Lines below each other; `none` where there are none.
pub(super) fn lines_or(lines: &[String], none: &str) -> String {
    if lines.is_empty() { none.to_owned() } else { lines.join("\n") }
}

impl Show {
    async fn print(self, state: &AppState) -> Result<String, Failure> {
        let Show { id, json } = self;
        let review = state.billing.review(id).await.map_err(|error| Complaint::of(error, json))?;
        let now = state.billing.clock.now();
        let entry = Entry::new(now, Actor::Command, Action::ReaderViewed);
        let entry = entry.on("reader", review.subscription.reader);
        let mut tx = state.billing.db.write().await?;
        audit::append(&mut tx, &state.billing.audit_key, &entry).await?;
        tx.commit().await?;
        let words = in_words(&review);
        printed(json, &Whole::of(review, Visibility::operator()), || words)
    }
}

fn in_words(review: &Review) -> String {
    let it = &review.subscription;
    let mut lines = vec![
        line(it, Some(review.email.as_deref().unwrap_or("erased"))),
        format!("  reader {}, revision {}", it.reader, it.revision),
    ];
    for invoice in &review.invoices {
        let number = invoice.number.as_deref().unwrap_or("not issued");
        let (amount, currency) = (invoice.total.amount, invoice.total.currency.code());
        lines.push(format!("  invoice {number}  {}  {amount} {currency}", invoice.status));
    }
    let told = review.timeline.iter();
    lines.extend(told.map(|told| format!("  {}  {}  {}", told.at, told.actor, told.event)));
    lines.join("\n")
}

/// The reader of this address or id.
pub(super) async fn find_reader(
    state: &AppState,
    reader: &str,
    json: bool,
) -> Result<Uuid, Failure> {
    let internal = |error| Complaint::of(ApiError::internal(error), json);
    let mut tx = state.databases.main.read().await.map_err(internal)?;
    let found = match reader.parse::<Uuid>() {
        Ok(id) => readers::find(&mut tx, id).await,
        Err(_) => {
            let rule = "must be the address or the id of a reader";
            let email = Address::parse(reader);
            let email = email.map_err(|_| Complaint::of(invalid("reader", rule), json))?;
            readers::find_by_email(&mut tx, &email).await
        }
    };
    let found = found.map_err(internal)?.map(|reader| reader.id);
    found.ok_or_else(|| Complaint::of(ApiError::NotFound, json))
}

impl Give {
    /// Whoever has no account yet gets a link in a mail.
    async fn give(self, state: &AppState) -> Result<String, Failure> {
        let Give { reader, days, product, why } = self;
        let now = state.billing.clock.now();
        let complain = |error: BillingError| Complaint::of(error, why.json);
        let offered = match (reader.parse::<Uuid>(), Address::parse(&reader)) {
            (Err(_), Ok(email)) => {
                let office = why.office(Action::GiftOffered, now)?;
                let offer = Offer { email, language: Language::English, product, days };
                state.accounts.offer(offer, &office).await.map_err(complain)?
            }
            _ => {
                let reader = find_reader(state, &reader, why.json).await?;
                let office = why.office(Action::ReaderComplimentary, now)?;
                let gift = Gift { reader, product, days };
                Offered::Given(state.billing.give(gift, &office).await.map_err(complain)?)
            }
        };
        let words = match &offered {
            Offered::Given(it) => format!("Gave {} until {}: {}.", it.product, it.ends_at, it.id),
            Offered::Waits(it) => {
                format!("{} waits to be accepted until {}: {}.", it.product, it.expires_at, it.id)
            }
        };
        printed(why.json, &OfferedBody::of(offered, now), || words)
    }
}

async fn given(state: &AppState, which: String, json: bool) -> Result<String, Failure> {
    let looked = GivenLooked { state: which, limit: "200".to_owned(), ..GivenLooked::default() };
    let now = state.billing.clock.now();
    let page = state.desk.list_given(&Lookup::by_operator(now), &looked).await;
    let page = page.map_err(|error| Complaint::of(error, json))?;
    let line = |Listed { grant, email }: &Listed| {
        let (email, state) = (email.as_deref().unwrap_or("erased"), grant.state(now).as_str());
        format!("{}  {email}  {}  {state}  until {}", grant.id, grant.product, grant.ends_at)
    };
    let lines: Vec<String> = page.entries.iter().map(line).collect();
    let words = lines_or(&lines, "Nothing was given away.");
    printed(json, &GivenPage::of(page, now, Visibility::operator()), || words)
}

async fn take_back(state: &AppState, id: Uuid, why: &Why) -> Result<String, Failure> {
    let now = state.billing.clock.now();
    let complain = |error: BillingError| Complaint::of(error, why.json);
    let office = why.office(Action::ReaderComplimentaryEnded, now)?;
    match state.billing.end_grant(id, &office).await {
        Ok(_) | Err(BillingError::Repeated) => {}
        Err(error) => return Err(complain(error)),
    }
    let ended = state.billing.find_grant(id).await.map_err(complain)?;
    printed(why.json, &GivenBody::of(ended, now), || "It was taken back.".to_owned())
}
