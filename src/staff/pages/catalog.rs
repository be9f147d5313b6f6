//! `/staff/catalog`: what is sold, its versions, and who is on which.

use askama::Template;
use axum::{extract::State, response::Response};

use super::{
    StaffPages,
    frame::{self, Frame, Place},
    seat::Seat,
};
use crate::{
    auth::staff::permission::Permission,
    billing::catalog::model::{Plan, Sites},
    http::problem::ApiError,
    staff::house::CatalogView,
};

#[derive(Template)]
#[template(path = "staff/templates/catalog.html", config = ".config/askama.toml")]
struct CatalogPage {
    frame: Frame,
    catalog: CatalogView,
}

impl CatalogPage {
    /// How many subscribe to the plans of a version, in words: "monthly 3, annual 1".
    fn subscribers(&self, version: i64) -> String {
        let on = self.catalog.subscribers.iter().filter(|on| on.version == version);
        let each: Vec<String> = on.map(|on| format!("{} {}", on.plan, on.count)).collect();
        if each.is_empty() { "nobody".to_owned() } else { each.join(", ") }
    }

    fn price(&self, plan: &Plan) -> String {
        self.frame.words.money(plan.price)
    }

    fn opens(sites: &Sites) -> String {
        match sites {
            Sites::All => "every site".to_owned(),
            Sites::Listed(sites) => sites.join(", "),
        }
    }
}

/// What is sold.
pub(super) async fn page(
    State(pages): State<StaffPages>,
    seat: Seat,
) -> Result<Response, ApiError> {
    seat.to(Permission::SubscriptionsRead)?;
    let frame = seat.frame(&pages, "Catalog", Place::Catalog);
    Ok(frame::show(CatalogPage { frame, catalog: pages.desk.catalog().await? }.render()))
}
