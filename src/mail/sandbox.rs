//! The sandbox's mailbox: nothing is sent, everything can be read.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    address::Address,
    outbox::{self, StoredMail},
};
use crate::{
    clock::{Clock, Timestamp},
    db::Db,
    http::problem::{ApiError, FieldError, ProblemBody},
};

/// The route of the mailbox.
pub fn routes(db: Db, clock: Arc<dyn Clock>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(mailbox))
        .with_state(db.clone())
        .merge(super::mailbox::routes(super::mailbox::Shelf { db, clock }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Whose {
    /// An address, in any spelling; everybody's mails without it.
    to: Option<String>,
}

/// Mails, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
struct Mailbox {
    /// At most the newest 100.
    messages: Vec<MailBody>,
}

/// A mail.
#[derive(Debug, Serialize, ToSchema)]
struct MailBody {
    to: String,
    subject: String,
    /// The part for those who read text.
    text: String,
    /// Where the list that it goes to can be left, by one POST; not for other mails.
    #[serde(skip_serializing_if = "Option::is_none")]
    unsubscribe_url: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    sent_at: Timestamp,
}

impl From<StoredMail> for MailBody {
    fn from(mail: StoredMail) -> Self {
        let StoredMail { recipient, subject, body_text, unsubscribe_url, created_at, .. } = mail;
        Self { to: recipient, subject, text: body_text, unsubscribe_url, sent_at: created_at }
    }
}

/// The mails that a live service would have sent.
#[utoipa::path(get, path = "/sandbox/mail", tag = "Sandbox", params(Whose),
    responses((status = 200, description = "The mails", body = Mailbox),
              (status = 422, description = "No address", body = ProblemBody)))]
async fn mailbox(
    State(db): State<Db>,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Json<Mailbox>, ApiError> {
    let invalid =
        |code, detail: String| ApiError::InvalidFields(vec![FieldError::new("to", code, detail)]);
    let Query(Whose { to }) = whose.map_err(|error| invalid("invalid_value", error.body_text()))?;
    let to = to.map(|to| Address::parse(&to)).transpose();
    let to = to.map_err(|error| invalid("invalid_value", error.to_string()))?;
    let mut tx = db.read().await.map_err(ApiError::internal)?;
    let mails = outbox::newest(&mut tx, to.as_ref()).await.map_err(ApiError::internal)?;
    Ok(Json(Mailbox { messages: mails.into_iter().map(MailBody::from).collect() }))
}
