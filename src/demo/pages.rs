//! The newspaper's pages as HTML. A walled page is handed the lead-in and nothing else of the text.

use askama::Template;
use serde_json::json;
use time::Date;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;

use crate::sandbox::bar::Bar;

use super::newspaper::{Article, Block, Newspaper, Section, Summary};

const DAY: StaticFormatDescription = format_description!("[day padding:none] [month repr:long]");
const FULL_DATE: StaticFormatDescription =
    format_description!("[day padding:none] [month repr:long] [year]");
const ISO_DATE: StaticFormatDescription = format_description!("[year]-[month]-[day]");
const RELATED_COUNT: usize = 3;

/// What the header says of the meter; there is none where no meter applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterView {
    /// Free articles left.
    pub remaining: u32,
    /// The day, in the site's time zone, on which the allowance is whole again.
    pub resets_on: Date,
}

impl MeterView {
    fn line(&self) -> String {
        match self.remaining {
            0 => format!("No free articles left until {}", date(self.resets_on, DAY)),
            left => format!("{left} {} left", free_articles(left)),
        }
    }
}

/// What stands around every page: what the visitor has, and the sandbox's bar.
#[derive(Debug, Default)]
pub struct Around<'a> {
    /// What the header says of the meter.
    pub meter: Option<&'a MeterView>,
    /// As what the reader reads, where the meter does not count.
    pub standing: Option<&'static str>,
    /// Whether somebody has a session here.
    pub is_known: bool,
    /// The sandbox's bar.
    pub bar: Option<Bar>,
}

/// What the wall offers, from the catalog.
#[derive(Debug, Clone)]
pub struct OfferView {
    /// How many articles a window gives.
    pub free_articles: u32,
    /// The plans, in the order in which to show them.
    pub plans: Vec<PlanView>,
}

/// A plan, its money already written out.
#[derive(Debug, Clone)]
pub struct PlanView {
    /// For addresses: `monthly`.
    pub id: String,
    /// For people: `Monthly`.
    pub name: String,
    /// `$2.90`
    pub price: String,
    /// `month`
    pub interval: String,
    /// Days before the first payment; 0 for none.
    pub trial_days: u32,
    /// `$14.90`
    pub savings: Option<String>,
    /// Whether the catalog calls it the best value.
    pub best_value: bool,
}

impl PlanView {
    fn terms(&self) -> String {
        let Self { price, interval, trial_days, .. } = self;
        match trial_days {
            0 => format!("{price} a {interval}"),
            days => format!("{days} days free, then {price} a {interval}"),
        }
    }

    fn action(&self) -> String {
        match self.trial_days {
            0 => format!("Subscribe for {}", self.price),
            days => format!("Start {days} days free"),
        }
    }
}

/// How much of an article the visitor may see.
#[derive(Debug, Clone, Copy)]
pub enum ArticleView<'a> {
    /// All of it.
    Full,
    /// The lead-in, and what a subscription would hold.
    Walled {
        /// What is offered.
        offer: &'a OfferView,
        /// By which support finds this visitor.
        support_code: Option<&'a str>,
    },
}

/// The box that signs up to a newsletter.
#[derive(Debug, Clone)]
pub struct SignUpView {
    /// For programs: `tide`.
    pub list: String,
    /// For people.
    pub name: String,
    /// What is in it.
    pub description: String,
    /// Shows that the form comes from here.
    pub token: String,
}

impl SignUpView {
    /// Where the form leads.
    pub const ACTION: &str = "/newsletters";
}

/// Where the sandbox can be reached, for its start page.
#[derive(Debug)]
pub struct HomeView {
    /// Without a slash at the end: `http://127.0.0.1:8080`.
    pub public_url: String,
    /// The sandbox's bar.
    pub bar: Bar,
}

/// The front page, `/demo/`.
///
/// # Errors
/// When the template cannot be written out.
pub fn front(
    paper: &Newspaper,
    around: &Around<'_>,
    canonical_url: &str,
) -> askama::Result<String> {
    let lead = paper.summaries().next();
    let leading = lead.map_or(Section::Science, |summary| summary.section);
    let desk = |section| Desk { section, articles: paper.in_section(section).collect() };
    let others = Section::ALL.into_iter().filter(|section| *section != leading).map(desk);
    let (leading, others) = (desk(leading), others.collect());
    FrontPage { around, canonical_url, leading, others }.render()
}

/// An article, `/demo/articles/<slug>`, whole or up to the wall.
///
/// # Errors
/// When the template cannot be written out.
pub fn article(
    paper: &Newspaper,
    article: &Article,
    view: ArticleView<'_>,
    around: &Around<'_>,
    (canonical_url, sign_up): (&str, Option<&SignUpView>),
) -> askama::Result<String> {
    let summary = &article.summary;
    let rest = match view {
        ArticleView::Full => Rest::Paid(article.paid()),
        ArticleView::Walled { offer, support_code } => Rest::Wall(Wall {
            heading: wall_heading(offer, around.meter),
            plans: &offer.plans,
            return_to: format!("/demo/articles/{}", summary.slug),
            support_code,
        }),
    };
    ArticlePage {
        around,
        summary,
        lead_in: article.lead_in(),
        rest,
        related: paper.related(summary).take(RELATED_COUNT).collect(),
        sign_up,
        canonical_url,
        structured_data: structured_data(summary, canonical_url),
    }
    .render()
}

/// The page for an address below `/demo/` that leads nowhere.
///
/// # Errors
/// When the template cannot be written out.
pub fn not_found(paper: &Newspaper, around: &Around<'_>) -> askama::Result<String> {
    NotFoundPage { around, newest: paper.summaries().take(RELATED_COUNT).collect() }.render()
}

/// The sandbox's start page, `/`.
///
/// # Errors
/// When the template cannot be written out.
pub fn home(view: &HomeView) -> askama::Result<String> {
    HomePage { public_url: &view.public_url, bar: &view.bar }.render()
}

/// A section and its articles on the front page.
struct Desk<'a> {
    section: Section,
    articles: Vec<&'a Summary>,
}

/// What follows the lead-in: the paid text or the wall, never both.
enum Rest<'a> {
    Paid(&'a [Block]),
    Wall(Wall<'a>),
}

struct Wall<'a> {
    heading: String,
    plans: &'a [PlanView],
    return_to: String,
    support_code: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "demo/templates/front.html", config = ".config/askama.toml")]
struct FrontPage<'a> {
    around: &'a Around<'a>,
    canonical_url: &'a str,
    leading: Desk<'a>,
    others: Vec<Desk<'a>>,
}

#[derive(Template)]
#[template(path = "demo/templates/article.html", config = ".config/askama.toml")]
struct ArticlePage<'a> {
    around: &'a Around<'a>,
    summary: &'a Summary,
    lead_in: &'a [Block],
    rest: Rest<'a>,
    related: Vec<&'a Summary>,
    sign_up: Option<&'a SignUpView>,
    canonical_url: &'a str,
    structured_data: String,
}

#[derive(Template)]
#[template(path = "demo/templates/not_found.html", config = ".config/askama.toml")]
struct NotFoundPage<'a> {
    around: &'a Around<'a>,
    newest: Vec<&'a Summary>,
}

#[derive(Template)]
#[template(path = "demo/templates/home.html", config = ".config/askama.toml")]
struct HomePage<'a> {
    public_url: &'a str,
    bar: &'a Bar,
}

/// A date in one of the formats above; empty rather than an error, which none of them can give.
fn date(date: Date, format: StaticFormatDescription) -> String {
    date.format(format).unwrap_or_default()
}

fn free_articles(count: u32) -> &'static str {
    if count == 1 { "free article" } else { "free articles" }
}

/// Publishers write numbers up to ten as words.
fn in_words(number: u32) -> String {
    const WORDS: [&str; 11] =
        ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    let word = usize::try_from(number).ok().and_then(|index| WORDS.get(index));
    word.map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

/// Without a meter, or with no allowance at all, there is no limit that could be reached.
fn wall_heading(offer: &OfferView, meter: Option<&MeterView>) -> String {
    let count = offer.free_articles;
    if meter.is_none() || count == 0 {
        return "This article is for subscribers".to_owned();
    }
    format!("You’ve reached your limit of {} {}", in_words(count), free_articles(count))
}

/// The article as search engines read it, safe to stand inside a `<script>` element.
///
/// It tells them that `.paid` is behind a wall, so that the wall is not taken for cloaking.
fn structured_data(summary: &Summary, canonical_url: &str) -> String {
    let path = format!("/demo/articles/{}", summary.slug);
    let origin = canonical_url.strip_suffix(path.as_str()).unwrap_or_default();
    json!({
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": summary.title,
        "description": summary.standfirst,
        "articleSection": summary.section.name(),
        "datePublished": date(summary.published, ISO_DATE),
        "author": { "@type": "Person", "name": summary.author },
        "publisher": { "@type": "NewsMediaOrganization", "name": Newspaper::NAME },
        "image": format!("{origin}/demo/art/{}.svg", summary.slug),
        "mainEntityOfPage": canonical_url,
        "isAccessibleForFree": false,
        "hasPart": {
            "@type": "WebPageElement",
            "isAccessibleForFree": false,
            "cssSelector": ".paid",
        },
    })
    .to_string()
    .replace('<', "\\u003c")
}

#[cfg(test)]
#[path = "pages_tests.rs"]
mod tests;
