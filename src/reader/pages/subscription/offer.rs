//! `GET /subscribe`: what is sold, and the form to take it.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
};
use iso_currency::Currency;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    agreement::{Proposal, shown},
    currency,
};
use crate::{
    auth::form,
    billing::{
        catalog::model::{Catalog, Plan, Terms},
        consent::Shown,
        engine::{BillingError, Order},
        gateway::{Gateway, PaymentMethod},
        subscription::model::{EndReason, State as Stands, Subscription},
    },
    http::{problem::ApiError, return_to::Destination},
    language::Words,
    reader::pages::{
        Pages,
        fields::Choice,
        halt::Halt,
        sheet::Sheet,
        view::{self, Page, Problem, link},
        visit::Visit,
        way_back::WayBack,
    },
};

/// Where a reader comes from, and what they look at.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Wish {
    /// The site whose wall led here.
    #[serde(default)]
    pub(super) site: String,
    #[serde(default)]
    pub(super) plan: String,
    /// `no` for whoever had the trial.
    #[serde(default)]
    pub(super) trial: String,
    #[serde(default)]
    pub(super) return_to: String,
}

/// Longest path of an article that is counted.
const ARTICLE_MAX: usize = 200;

impl Wish {
    /// The address of `page` with `plan` chosen.
    fn address(&self, page: &str, plan: &str) -> String {
        let fields = [
            ("plan", plan),
            ("site", &self.site),
            ("trial", &self.trial),
            ("return_to", &self.return_to),
        ];
        let given = fields.into_iter().filter(|(_, value)| !value.is_empty());
        let query = serde_urlencoded::to_string(given.collect::<Vec<_>>()).unwrap_or_default();
        if query.is_empty() { page.to_owned() } else { format!("{page}?{query}") }
    }

    /// The address of this page as it was opened.
    pub(super) fn here(&self) -> String {
        self.address("/subscribe", &self.plan)
    }

    /// The address of the confirmation, from which every way leads on.
    pub(super) fn welcome(&self) -> String {
        self.address("/subscribe/welcome", &self.plan)
    }

    /// The article at whose wall the reader stood, as its path: where that is known and short.
    pub(super) fn article(&self, pages: &Pages) -> Option<String> {
        let address = String::from(self.back(pages)?);
        let uri: Uri = address.parse().ok()?;
        let path = uri.path();
        (path != "/" && path.len() <= ARTICLE_MAX).then(|| path.to_owned())
    }

    /// The same page after the bank has said no.
    pub(super) fn after_refusal(&self) -> String {
        let here = self.here();
        let joint = if here.contains('?') { '&' } else { '?' };
        format!("{here}{joint}refused=bank")
    }

    /// Where the reader came from, if we know the place.
    pub(super) fn back(&self, pages: &Pages) -> Option<Destination> {
        self.way_back().destination(pages)
    }

    /// The same as a way that can be gone.
    pub(super) fn way_back(&self) -> WayBack {
        WayBack { site: self.site.clone(), return_to: self.return_to.clone() }
    }
}

/// A plan to choose from.
struct Card {
    href: String,
    name: String,
    summary: String,
    savings: Option<String>,
    best_value: bool,
    chosen: bool,
}

/// What was wrong with an order, and what had been typed.
#[derive(Debug, Default)]
pub(super) struct Refused {
    pub(super) alert: Option<String>,
    pub(super) email: Option<String>,
    pub(super) card: Option<String>,
    pub(super) agree: Option<String>,
}

impl Refused {
    /// What was wrong with each field, in their order on the page.
    fn problems(&self) -> Vec<Problem<'_>> {
        let fields =
            [("email", &self.email), ("payment_method", &self.card), ("agree", &self.agree)];
        let said = fields.into_iter().filter_map(|(id, why)| Some((id, why.as_deref()?)));
        said.map(|(id, why)| Problem { field_id: id.to_owned(), why }).collect()
    }
}

/// What was typed into the form, and stands there again.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Typed<'a> {
    pub(super) email: &'a str,
    pub(super) card: &'a str,
}

/// What is offered to one visit.
pub(super) struct Offer {
    pub(super) wish: Wish,
    pub(super) proposal: Proposal,
    pub(super) lines: Vec<String>,
    pub(super) words: Words,
    catalog: Arc<Catalog>,
    site: Option<String>,
}

#[derive(Template)]
#[template(path = "reader/templates/subscription/offer.html", config = ".config/askama.toml")]
struct OfferTemplate<'a> {
    offer: &'a Offer,
    sheet: &'a Sheet,
    description: String,
    problems: Vec<Problem<'a>>,
    publisher: &'a str,
    token_field: &'static str,
    cards: Vec<Card>,
    currencies: Vec<(&'static str, String)>,
    holds: Vec<String>,
    /// Under which address, where it is known already.
    known_as: Option<String>,
    email: String,
    methods: Vec<Choice>,
    nonce: String,
    shown: String,
    refused: &'a Refused,
}

impl Offer {
    /// What `wish` finds on offer for somebody who likes best to pay in `paid_in`; `None` where
    /// nothing is.
    pub(super) fn find(
        pages: &Pages,
        words: &Words,
        (wish, paid_in): (Wish, Option<Currency>),
    ) -> Option<Self> {
        let billing = &pages.accounts.billing;
        let catalog = billing.catalogs.current();
        // What we do not know is not shown again.
        let return_to = wish.back(pages).map(String::from).unwrap_or_default();
        let site = pages.accounts.directory.site(&wish.site).map(|site| site.site.id.clone());
        let plans: Vec<&Plan> = catalog.offered(site.as_deref()).collect();
        let plan = currency::first(&plans, &wish.plan, paid_in)?.id.clone();
        let terms = Terms::of(&catalog, &plan)?;
        let with_trial = terms.plan.trial_days > 0 && wish.trial != "no";
        let proposal = Proposal { terms, with_trial };
        let lines = proposal.agreement(words, &pages.accounts.public_url, billing.clock.now())?;
        let wish = Wish { plan, return_to, site: site.clone().unwrap_or_default(), ..wish };
        Some(Self { wish, proposal, lines, words: words.clone(), catalog, site })
    }

    /// The words that stand beside the button.
    pub(super) fn shown(&self) -> Shown {
        shown(&self.words, &self.lines)
    }

    /// The same for somebody who had the trial.
    pub(super) fn without_trial(self, pages: &Pages) -> Option<Self> {
        let words = self.words.clone();
        Self::find(pages, &words, (Wish { trial: "no".to_owned(), ..self.wish }, None))
    }

    fn cards(&self) -> Vec<Card> {
        let card = |plan: &Plan| {
            let terms = Terms::of(&self.catalog, &plan.id)?;
            let with_trial = plan.trial_days > 0 && self.wish.trial != "no";
            let savings = self.catalog.savings(plan).map(|saved| {
                let amount = self.words.money(saved).into();
                self.words.with("subscribe-savings", &[("amount", amount)])
            });
            Some(Card {
                href: self.wish.address("/subscribe", &plan.id),
                name: plan.name.in_language(self.words.language).to_owned(),
                summary: Proposal { terms, with_trial }.summary(&self.words),
                savings,
                best_value: plan.badge.as_deref() == Some("best_value"),
                chosen: plan.id == self.wish.plan,
            })
        };
        let shown = self.proposal.terms.currency();
        let all = self.catalog.offered(self.site.as_deref());
        all.filter(|plan| plan.price.currency == shown).filter_map(card).collect()
    }

    /// The other currencies in which something is offered, and where.
    fn currencies(&self) -> Vec<(&'static str, String)> {
        let all = self.catalog.offered(self.site.as_deref());
        let others = currency::others(all, self.proposal.terms.currency());
        let href = |plan: &str| self.wish.address("/subscribe", plan);
        others.into_iter().map(|(currency, plan)| (currency.code(), href(plan))).collect()
    }

    fn holds(&self) -> Vec<String> {
        let product = self.catalog.product(&self.proposal.terms.plan.product);
        let includes = product.map_or(&[][..], |product| &product.includes);
        let what = |what: &String| self.words.with("subscribe-holds", &[("what", what.into())]);
        [self.words.say("subscribe-unlimited")]
            .into_iter()
            .chain(includes.iter().map(what))
            .collect()
    }

    /// The order of it, paid by `card`.
    pub(super) fn order(&self, pages: &Pages, card: Option<PaymentMethod>) -> Order {
        Order {
            plan: self.wish.plan.clone(),
            card,
            trial: self.proposal.with_trial,
            country: None,
            shown: Some(self.shown()),
            article: self.wish.article(pages),
        }
    }

    /// What `reader` has already of what is offered.
    pub(super) async fn running(
        &self,
        pages: &Pages,
        reader: Uuid,
    ) -> Result<Option<Subscription>, BillingError> {
        let product = &self.proposal.terms.plan.product;
        let all = pages.accounts.billing.list(reader).await?;
        Ok(all.into_iter().find(|it| it.product() == product && it.state.ended().is_none()))
    }

    /// Draws the offer with its form.
    pub(super) fn draw(
        &self,
        pages: &Pages,
        visit: &Visit,
        (status, refused): (StatusCode, Refused),
        typed: Typed<'_>,
    ) -> Result<Response, Halt> {
        let accounts = &pages.accounts;
        let words = &self.words;
        let known = visit.member.as_ref().or(visit.guest.as_ref());
        let known_as = match known {
            Some(known) => {
                let email = known.reader.email.typed().into();
                Some(words.with("subscribe-as", &[("email", email)]))
            }
            None => visit.must_log_in().then(|| words.say("subscribe-log-in-first")),
        };
        let nonce = accounts.ids.uuid(accounts.clock.now()).map_err(ApiError::internal)?;
        let sheet = &visit.sheet(pages);
        let publisher = ("publisher", sheet.publisher(pages).into());
        let template = OfferTemplate {
            offer: self,
            sheet,
            description: words.with("subscribe-description", &[publisher]),
            problems: refused.problems(),
            publisher: sheet.publisher(pages),
            token_field: form::FIELD,
            cards: self.cards(),
            currencies: self.currencies(),
            holds: self.holds(),
            known_as,
            email: typed.email.to_owned(),
            methods: methods(words, typed.card),
            nonce: nonce.to_string(),
            shown: self.shown().fingerprint(),
            refused: &refused,
        };
        Ok(view::answer(status, template.render()))
    }
}

/// The sandbox's cards, with `chosen` chosen. A real gateway shows its own fields.
pub(super) fn methods(words: &Words, chosen: &str) -> Vec<Choice> {
    [
        ("pm_sandbox_ok", "subscribe-card-ok"),
        ("pm_sandbox_declined", "subscribe-card-declined"),
        ("pm_sandbox_lost", "subscribe-card-lost"),
        ("pm_sandbox_declined_once", "subscribe-card-declined-once"),
        ("pm_sandbox_authentication", "subscribe-card-authentication"),
    ]
    .map(|(method, id)| Choice {
        value: method.to_owned(),
        label: words.say(id),
        chosen: method == chosen,
    })
    .to_vec()
}

/// A page that only says something, with links to go on.
pub(super) fn told(
    pages: &Pages,
    sheet: &Sheet,
    status: StatusCode,
    (title, lead): (&str, &str),
    links: Vec<(String, String)>,
) -> Response {
    let words = &sheet.words;
    let page = Page { title: words.say(title), lead: words.say(lead), links, ..Page::default() };
    view::page(pages, status, &page, sheet)
}

/// What the confirmation leads here with.
#[derive(Debug, Deserialize)]
pub(super) struct Came {
    /// By whom the last order was refused.
    refused: Option<String>,
}

/// Whether the last thing that `reader` began came to nothing because the payment was refused.
async fn was_refused(pages: &Pages, reader: Uuid) -> Result<bool, BillingError> {
    let latest = pages.accounts.billing.latest(reader).await?;
    let ended = latest.and_then(|it| it.state.ended());
    Ok(ended.is_some_and(|(_, reason)| reason == EndReason::PaymentDeclined))
}

pub(super) async fn page(
    State(pages): State<Pages>,
    visit: Visit,
    headers: HeaderMap,
    Query(wish): Query<Wish>,
    Query(Came { refused }): Query<Came>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let sells = !matches!(pages.accounts.billing.gateway, Gateway::None);
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let wish = (wish, accepted.and_then(currency::of_browser));
    let Some(offer) = Offer::find(&pages, &sheet.words, wish).filter(|_| sells) else {
        let closed = ("subscribe-closed-title", "subscribe-closed-lead");
        return Ok(told(&pages, &sheet, StatusCode::OK, closed, Vec::new()));
    };
    let known = visit.member.as_ref().or(visit.guest.as_ref()).map(|known| known.reader.id);
    if let Some(reader) = known
        && let Some(running) = offer.running(&pages, reader).await?
    {
        if matches!(running.state, Stands::Incomplete { .. }) {
            // Nothing is open yet: the bank has to be asked first.
            let to = offer.wish.welcome();
            return Ok(visit.seal(Redirect::to(&to).into_response()));
        }
        let back = offer.wish.way_back().href(&pages);
        let back = back.map(|back| link(back, sheet.words.say("subscribe-welcome-back")));
        let account = link("/account", sheet.words.say("account-title"));
        let links = back.into_iter().chain([account]).collect();
        let already = ("subscribe-already-title", "subscribe-already-lead");
        return Ok(visit.seal(told(&pages, &sheet, StatusCode::OK, already, links)));
    }
    // Nobody is told so by an address alone.
    let refused = match known.filter(|_| refused.is_some()) {
        Some(reader) => was_refused(&pages, reader).await?,
        None => false,
    };
    let card = refused.then(|| sheet.words.say("subscribe-error-bank"));
    let refused = Refused { card, ..Refused::default() };
    let drawn = offer.draw(&pages, &visit, (StatusCode::OK, refused), Typed::default())?;
    if let Some(site) = &visit.site {
        pages.counts.offered(&site.site.id);
    }
    Ok(visit.seal(drawn))
}
