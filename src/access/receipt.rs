//! A signed receipt of a decision, which anyone can check against the JWKS, offline.

use jsonwebtoken::{Algorithm, Header};
use serde::Serialize;

use super::{decision::Decision, decision::Reason, gate::Answer};
use crate::{auth::keys::JwtKey, http::problem::ApiError};

/// A receipt holds for so many seconds.
const LIFE_SECS: i64 = 60;

/// What a receipt says (RFC 7519 names, and ours).
#[derive(Debug, Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: String,
    article: &'a str,
    decision: Decision,
    reason: Reason,
    iat: i64,
    exp: i64,
}

/// What a receipt is about besides the answer itself.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Who signs: the public address of the installation.
    pub issuer: &'a str,
    /// For which site.
    pub site: &'a str,
    /// Which article.
    pub article: &'a str,
}

/// Signs a receipt of `answer`.
///
/// # Errors
/// When the key cannot sign, which is our fault.
pub fn sign(key: &JwtKey, subject: Subject<'_>, answer: &Answer<'_>) -> Result<String, ApiError> {
    let header = Header {
        typ: Some("access-receipt+jwt".to_owned()),
        kid: Some(key.kid.clone()),
        ..Header::new(Algorithm::EdDSA)
    };
    let iat = answer.at.unix_seconds();
    let claims = Claims {
        iss: subject.issuer,
        aud: subject.site,
        sub: answer.reader.unwrap_or(answer.visitor).to_string(),
        article: subject.article,
        decision: answer.decision,
        reason: answer.reason,
        iat,
        exp: iat + LIFE_SECS,
    };
    jsonwebtoken::encode(&header, &claims, &key.key).map_err(ApiError::internal)
}
