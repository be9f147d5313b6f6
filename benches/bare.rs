//! The measure of speed: an axum handler that parses the same body as `POST /v1/access`, answers
//! as many bytes, and does nothing else. `scripts/bench` runs it beside the service.

use axum::{Json, Router, routing::post};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Request {
    article: Article,
    visitor: Option<String>,
}

#[derive(Deserialize)]
struct Article {
    id: String,
}

#[derive(Serialize)]
struct Answer {
    decision: &'static str,
    reason: &'static str,
    meter: Meter,
    visitor: String,
    receipt: Option<String>,
    offer_url: Option<String>,
}

#[derive(Serialize)]
struct Meter {
    limit: u32,
    used: u32,
    remaining: u32,
    resets_at: &'static str,
}

async fn access(Json(request): Json<Request>) -> Json<Answer> {
    let new = || "x".repeat(71).replacen('x', &request.article.id, 1);
    Json(Answer {
        decision: "allow",
        reason: "already_read",
        meter: Meter { limit: 1, used: 1, remaining: 0, resets_at: "2026-12-23T04:05:06.123456Z" },
        visitor: request.visitor.unwrap_or_else(new),
        receipt: None,
        offer_url: None,
    })
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8079".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, Router::new().route("/v1/access", post(access))).await
}
