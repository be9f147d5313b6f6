//! What becomes of a key once its request was answered. Pure.
//!
//! An answer is kept only where the same request can never be answered otherwise. Everything else
//! describes how things were at that moment: it is answered anew when the request is sent again.

use axum::http::StatusCode;
use uuid::Uuid;

use crate::billing::subscription::model::{Subscription, WaitsFor};

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The answer is kept and given again.
    Keep,
    /// The request may be sent again and goes on as the same operation, so that what it began is
    /// found and never begun a second time.
    Continue,
    /// Nothing was begun: the key is free, also for another request.
    Release,
}

/// In the extensions of an answer that reports a payment whose outcome is not known yet: the answer
/// is not kept, and the operation whose outcome the request waits for is remembered instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsettled(pub Uuid);

impl Unsettled {
    /// Where `it` waits for the outcome of what `operation` began.
    #[must_use]
    pub fn of(it: &Subscription, operation: Uuid) -> Option<Self> {
        let open = it.open.filter(|open| open.waits_for == WaitsFor::Gateway)?;
        (open.id == operation || it.id == operation).then_some(Self(operation))
    }
}

/// Every refusal that says how a request met the state of things, by its `code`: whether the same
/// request can still be answered otherwise later.
const BY_CODE: [(&str, Outcome); 22] = [
    // The charge was made under this key and declined; another try takes another key.
    ("payment_declined", Outcome::Keep),
    // A payment is open. The operation is kept, so that its outcome can be told.
    ("payment_pending", Outcome::Continue),
    // Facts that never change again: a preview or a revision that is over, a request that was
    // decided or has expired, and who made it.
    ("preview_stale", Outcome::Keep),
    ("already_done", Outcome::Keep),
    ("own_request", Outcome::Keep),
    ("own_account", Outcome::Keep),
    ("already_decided", Outcome::Keep),
    ("request_expired", Outcome::Keep),
    // States that pass: a subscription ends, a plan is switched, a gift is withdrawn, a refund
    // fails, a note is deleted …
    ("already_subscribed", Outcome::Release),
    ("trial_already_used", Outcome::Release),
    ("same_plan", Outcome::Release),
    ("invalid_transition", Outcome::Release),
    ("refund_too_large", Outcome::Release),
    ("gift_waits", Outcome::Release),
    ("request_waits", Outcome::Release),
    ("last_admin", Outcome::Release),
    ("too_many_notes", Outcome::Release),
    ("too_many_views", Outcome::Release),
    ("address_taken", Outcome::Release),
    ("address_not_confirmed", Outcome::Release),
    ("already_so", Outcome::Release),
    ("changed_meanwhile", Outcome::Release),
];

impl Outcome {
    /// Of an answer with this status and, if it is a problem, this code.
    #[must_use]
    pub(super) fn of(status: StatusCode, code: Option<&str>) -> Self {
        let by_code = code.and_then(|code| BY_CODE.iter().find(|(known, _)| *known == code));
        match by_code {
            Some((_, outcome)) => *outcome,
            None if status.is_success() => Self::Keep,
            // It may have failed after something was begun or even done.
            None if status.is_server_error() => Self::Continue,
            None => Self::Release,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    fn of(status: u16, code: Option<&str>) -> Outcome {
        Outcome::of(StatusCode::from_u16(status).unwrap(), code)
    }

    #[test]
    fn only_what_can_never_be_answered_otherwise_is_kept() {
        for (status, code, expected) in [
            (200, None, Outcome::Keep),
            (201, None, Outcome::Keep),
            (202, None, Outcome::Keep),
            (204, None, Outcome::Keep),
            (400, Some("invalid_json"), Outcome::Release),
            (400, Some("body_cut"), Outcome::Release),
            (401, Some("invalid_token"), Outcome::Release),
            (402, Some("payment_declined"), Outcome::Keep),
            (403, Some("not_permitted"), Outcome::Release),
            (404, Some("not_found"), Outcome::Release),
            (405, Some("method_not_allowed"), Outcome::Release),
            (409, Some("payment_pending"), Outcome::Continue),
            (409, Some("preview_stale"), Outcome::Keep),
            (409, Some("already_done"), Outcome::Keep),
            (409, Some("own_request"), Outcome::Keep),
            (409, Some("own_account"), Outcome::Keep),
            (409, Some("already_decided"), Outcome::Keep),
            (409, Some("request_expired"), Outcome::Keep),
            (409, Some("already_subscribed"), Outcome::Release),
            (409, Some("trial_already_used"), Outcome::Release),
            (409, Some("same_plan"), Outcome::Release),
            (409, Some("invalid_transition"), Outcome::Release),
            (409, Some("refund_too_large"), Outcome::Release),
            (409, Some("gift_waits"), Outcome::Release),
            (409, Some("request_waits"), Outcome::Release),
            (409, Some("last_admin"), Outcome::Release),
            (409, Some("too_many_notes"), Outcome::Release),
            (409, Some("too_many_views"), Outcome::Release),
            (409, Some("address_taken"), Outcome::Release),
            (409, Some("already_so"), Outcome::Release),
            (409, Some("changed_meanwhile"), Outcome::Release),
            (409, Some("a code of tomorrow"), Outcome::Release),
            (413, Some("body_too_large"), Outcome::Release),
            (415, Some("unsupported_media_type"), Outcome::Release),
            (422, Some("invalid_fields"), Outcome::Release),
            (429, Some("too_many_attempts"), Outcome::Release),
            (500, Some("internal"), Outcome::Continue),
            (503, Some("payments_unavailable"), Outcome::Continue),
        ] {
            assert_eq!(of(status, code), expected, "{status} {code:?}");
        }
    }

    /// Codes that the source gives to a 409 or a 402.
    fn codes(dir: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                codes(&path, found);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
                for call in ["onflict(\"", "PaymentRequired(\""] {
                    let codes = text.split(call).skip(1).filter_map(|rest| rest.split('"').next());
                    found.extend(codes.map(str::to_owned));
                }
            }
        }
    }

    #[test]
    fn every_conflict_of_the_source_is_decided() {
        let mut found = Vec::new();
        codes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        assert!(found.len() > 15, "{found:?}");
        // The middleware's own answer, before any request is done.
        found.retain(|code| code != "idempotency_key_in_use" && code != "onflict(\\");
        for code in found {
            let known = BY_CODE.iter().any(|(known, _)| *known == code);
            assert!(known, "decide in BY_CODE whether `{code}` is kept");
        }
    }
}
