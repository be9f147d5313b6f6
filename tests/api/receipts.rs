//! Receipts, checked as a stranger would: with nothing but the published keys.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};

use crate::app::TestApp;

async fn published_key(t: &TestApp, kid: &str) -> DecodingKey {
    let answer = t.get("/.well-known/jwks.json").await;
    assert_eq!(answer.header("cache-control"), "public, max-age=60");
    let jwks = answer.json();
    let key = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid).unwrap();
    let fixed = [&key["kty"], &key["crv"], &key["use"], &key["alg"]];
    assert_eq!(fixed, ["OKP", "Ed25519", "sig", "EdDSA"]);
    assert!(key.get("d").is_none(), "the private half is not published");
    DecodingKey::from_ed_components(key["x"].as_str().unwrap()).unwrap()
}

/// The claims, after every check that a careful stranger makes. The test's clock stands still,
/// so whether the receipt has ended is for the caller to look at.
async fn claims_of(t: &TestApp, receipt: &str, site: &str) -> Value {
    let header = decode_header(receipt).unwrap();
    assert_eq!(header.alg, Algorithm::EdDSA);
    assert_eq!(header.typ.as_deref(), Some("access-receipt+jwt"));
    let key = published_key(t, &header.kid.unwrap()).await;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&["http://127.0.0.1:8080"]);
    validation.set_audience(&[site]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    validation.leeway = 0;
    validation.validate_exp = false;
    decode::<Value>(receipt, &key, &validation).unwrap().claims
}

on_both_databases! {
    async fn a_receipt_says_what_was_decided_and_holds_a_minute(t: TestApp) {
        let body = json!({"article": {"id": "tides"}, "receipt": true});
        let answer = t.access(body).await.json();
        let claims = claims_of(&t, answer["receipt"].as_str().unwrap(), "demo").await;
        assert_eq!(
            claims,
            json!({"iss": "http://127.0.0.1:8080", "aud": "demo", "sub": claims["sub"],
                   "article": "tides", "decision": "allow", "reason": "metered",
                   "iat": 1_795_406_706, "exp": 1_795_406_766})
        );
        assert!(uuid::Uuid::parse_str(claims["sub"].as_str().unwrap()).is_ok());

        let visitor = &answer["visitor"];
        let body = json!({"article": {"id": "bread"}, "visitor": visitor, "receipt": true});
        let denied = t.access(body).await.json();
        let second = claims_of(&t, denied["receipt"].as_str().unwrap(), "demo").await;
        assert_eq!((&second["decision"], &second["sub"]), (&json!("deny"), &claims["sub"]));
        assert_eq!(second["reason"], "meter_exhausted");
    }

    async fn a_receipt_is_for_its_own_site_and_cannot_be_changed(t: TestApp) {
        let other = t.site_with_limit(2).await;
        let body = json!({"article": {"id": "tides"}, "receipt": true});
        let answer = other.access(body).await.json();
        let receipt = answer["receipt"].as_str().unwrap();
        assert_eq!(claims_of(&t, receipt, "limit-2").await["aud"], "limit-2");

        let key = published_key(&t, &decode_header(receipt).unwrap().kid.unwrap()).await;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.validate_exp = false;
        validation.set_audience(&["demo"]);
        assert!(decode::<Value>(receipt, &key, &validation).is_err(), "of another site");

        validation.set_audience(&["limit-2"]);
        let (head, rest) = receipt.split_once('.').unwrap();
        let (_, signature) = rest.split_once('.').unwrap();
        let (_, wider) = receipt.split_once('.').unwrap();
        assert!(decode::<Value>(&format!("{head}.{wider}"), &key, &validation).is_ok());
        let forged = format!("{head}.eyJhdWQiOiJsaW1pdC0yIn0.{signature}");
        assert!(decode::<Value>(&forged, &key, &validation).is_err(), "other claims");
    }

    async fn a_receipt_of_an_older_key_can_be_checked_after_a_restart(t: TestApp) {
        let body = json!({"article": {"id": "tides"}, "receipt": true});
        let answer = t.access(body).await.json();
        let another = t.another_process().await;
        let claims = claims_of(&another, answer["receipt"].as_str().unwrap(), "demo").await;
        assert_eq!(claims["article"], "tides");
    }
}
