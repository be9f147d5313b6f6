//! `/staff/team`: who works here, and what each is trusted with.

use askama::Template;
use axum::{
    extract::{Query, State},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    StaffPages,
    frame::{self, Frame, Place},
    seat::Seat,
    submitted::Submitted,
};
use crate::{
    auth::staff::{
        model::{Role, Staff},
        permission::Permission,
    },
    http::problem::{ApiError, FieldError},
};

#[derive(Deserialize)]
pub(super) struct Done {
    done: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfAccount {
    id: Uuid,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRole {
    id: Uuid,
    from: String,
    role: String,
}

#[derive(Template)]
#[template(path = "staff/templates/team.html", config = ".config/askama.toml")]
struct TeamPage {
    frame: Frame,
    team: Vec<Member>,
}

/// An account as it is shown.
struct Member {
    id: Uuid,
    email: String,
    role: Role,
    has_second_factor: bool,
    since: String,
    closed: Option<String>,
    is_me: bool,
}

/// Everybody who works here.
pub(super) async fn page(
    State(pages): State<StaffPages>,
    seat: Seat,
    Query(Done { done }): Query<Done>,
) -> Result<Response, ApiError> {
    let me = seat.to(Permission::StaffManage)?.staff.id;
    let notice = match done.as_deref() {
        Some("role") => Some("The role was changed, and the account logged out."),
        Some("closed") => Some("The account is closed and logged out."),
        Some("opened") => Some("The account is open again."),
        _ => None,
    };
    let frame = seat.frame(&pages, "Staff", Place::Team).saying(notice.map(str::to_owned));
    let member = |staff: Staff| Member {
        id: staff.id,
        email: staff.email.typed().to_owned(),
        role: staff.role,
        has_second_factor: staff.totp.is_some(),
        since: frame.words.day(staff.created_at),
        closed: staff.disabled_at.map(|at| frame.words.day(at)),
        is_me: staff.id == me,
    };
    let team = pages.desk.team().await?.into_iter().map(member).collect();
    Ok(frame::show(TeamPage { frame, team }.render()))
}

fn role(field: &'static str, text: &str) -> Result<Role, ApiError> {
    text.parse().map_err(|error: crate::auth::staff::model::InvalidRole| {
        ApiError::InvalidFields(vec![FieldError::new(field, "invalid_value", error.to_string())])
    })
}

/// Gives another role.
pub(super) async fn set_role(
    State(pages): State<StaffPages>,
    Submitted { seat, fields: NewRole { id, from, role: to } }: Submitted<NewRole>,
) -> Result<Response, ApiError> {
    let acting = seat.to(Permission::StaffManage)?;
    pages.desk.set_role(acting, id, (role("from", &from)?, role("role", &to)?)).await?;
    Ok(Redirect::to("/staff/team?done=role").into_response())
}

/// Closes an account.
pub(super) async fn close(
    State(pages): State<StaffPages>,
    Submitted { seat, fields: OfAccount { id } }: Submitted<OfAccount>,
) -> Result<Response, ApiError> {
    pages.desk.close_account(seat.to(Permission::StaffManage)?, id).await?;
    Ok(Redirect::to("/staff/team?done=closed").into_response())
}

/// Opens it again.
pub(super) async fn open(
    State(pages): State<StaffPages>,
    Submitted { seat, fields: OfAccount { id } }: Submitted<OfAccount>,
) -> Result<Response, ApiError> {
    pages.desk.open_account(seat.to(Permission::StaffManage)?, id).await?;
    Ok(Redirect::to("/staff/team?done=opened").into_response())
}
