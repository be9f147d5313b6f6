//! `/staff/why`: why somebody met the wall or did not, by the wall's support code or by who and what.

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use serde::Deserialize;

use super::{
    StaffPages,
    frame::{self, Frame, Place},
    seat::Seat,
};
use crate::{
    access::{
        decision::Decision,
        log::{past::Logged, told},
    },
    auth::staff::permission::Permission,
    http::problem::ApiError,
    staff::{
        api::LookedWhy,
        desk::DeskError,
        sentence::{self, Sentence, sentences},
    },
};

/// What is looked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Sought {
    code: String,
    email: String,
    visitor: String,
    site: String,
    article: String,
    at: String,
}

#[derive(Template)]
#[template(path = "staff/templates/why.html", config = ".config/askama.toml")]
struct WhyPage {
    frame: Frame,
    sought: Sought,
    sites: Vec<String>,
    /// What was so at the moment that was asked about.
    then: Vec<Sentence>,
    /// The latest first.
    decisions: Vec<Told>,
    /// What would be decided now.
    now: Vec<Sentence>,
    /// Why there is no answer.
    trouble: Option<&'static str>,
}

/// A decision in words.
struct Told {
    at: String,
    /// The same for programs.
    instant: String,
    is_allowed: bool,
    decision: &'static str,
    code: String,
    reader: Option<uuid::Uuid>,
    steps: Vec<Sentence>,
}

impl Told {
    fn of(logged: &Logged, frame: &Frame) -> Self {
        let decision = logged.reason.decision();
        Self {
            at: frame.words.moment(logged.at),
            instant: logged.at.to_string(),
            is_allowed: decision == Decision::Allow,
            decision: sentence::decision(decision),
            code: logged.code.to_string(),
            reader: logged.reader,
            steps: sentences(&told::steps(logged), &frame.words),
        }
    }
}

/// The page.
pub(super) async fn page(
    State(pages): State<StaffPages>,
    seat: Seat,
    Query(sought): Query<Sought>,
) -> Result<Response, ApiError> {
    seat.to(Permission::ReadersRead)?;
    let frame = seat.frame(&pages, "Why?", Place::Why);
    let desk = &pages.desk;
    let (mut then, mut decisions, mut now, mut trouble) =
        (Vec::new(), Vec::new(), Vec::new(), None);
    let is_asked = [&sought.email, &sought.visitor].iter().any(|text| !text.trim().is_empty());
    if !sought.code.trim().is_empty() {
        match desk.decision(sought.code.trim()).await {
            Ok(found) => {
                decisions.push(Told::of(&found.decision, &frame));
                now = sentences(&found.now.unwrap_or_default(), &frame.words);
            }
            Err(DeskError::NotFound) => {
                trouble = Some(
                    "There is no decision with this code: it is mistyped, older than what is kept, \
                     or of a reader who was erased.",
                );
            }
            Err(error) => return Err(error.into()),
        }
    } else if is_asked {
        let looked = LookedWhy::of(
            &sought.email,
            &sought.visitor,
            (&sought.site, &sought.article),
            &sought.at,
        );
        let why = desk.why(&looked.asked(desk).await?).await?;
        then = sentences(&why.then, &frame.words);
        decisions = why.decisions.iter().map(|it| Told::of(it, &frame)).collect();
    }
    let sites = desk.sites().await?.0.into_iter().map(|site| site.id).collect();
    Ok(frame::show(WhyPage { frame, sought, sites, then, decisions, now, trouble }.render()))
}
