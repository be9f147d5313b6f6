//! What an access token must be, as tables of those that are not.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{EncodingKey, Header};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::auth::keys::{Purpose, SigningKey};

const ISSUER: &str = "https://pay.example";
const OURS: (&str, Realm) = (ISSUER, Realm::Reader);
const CALLER: Caller = Caller { subject: Uuid::from_u128(1), session: Uuid::from_u128(2) };

fn now() -> Timestamp {
    Timestamp::parse("2026-11-23T04:05:06Z").unwrap()
}

fn ring() -> KeyRing {
    let key = |number: u8, purpose| SigningKey {
        number: number.into(),
        purpose,
        secret: [number; 32],
        created_at: now(),
        activates_at: now(),
        retires_at: None,
    };
    let keys: Vec<SigningKey> = (1..).zip(Purpose::ALL).map(|(n, p)| key(n, p)).collect();
    KeyRing::at(&keys, now()).unwrap()
}

fn good() -> String {
    issue(&ring(), OURS, (CALLER, &Scope::Full), Uuid::from_u128(3), now()).unwrap()
}

fn part(token: &str, n: usize) -> Value {
    let text = token.split('.').nth(n).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

/// The good token with `header` and `claims` merged into its own, signed by the right key. A
/// null takes a member away.
fn signed(header: Value, claims: Value) -> String {
    let merge = |n: usize, changes: Value| {
        let mut merged = part(&good(), n);
        for (name, value) in changes.as_object().unwrap() {
            merged.as_object_mut().unwrap().insert(name.clone(), value.clone());
            if value.is_null() {
                merged.as_object_mut().unwrap().remove(name);
            }
        }
        URL_SAFE_NO_PAD.encode(merged.to_string())
    };
    let message = format!("{}.{}", merge(0, header), merge(1, claims));
    let key = ring().access.key;
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::EdDSA);
    format!("{message}.{}", signature.unwrap())
}

fn check(token: &str) -> Result<Caller, InvalidToken> {
    let verified = verify(&ring(), ISSUER, token, now())?;
    if verified.realm == Realm::Reader { Ok(verified.caller) } else { Err(InvalidToken) }
}

#[test]
fn a_token_says_who_calls_until_it_ends() {
    let token = good();
    assert_eq!(part(&token, 0), json!({"typ": "at+jwt", "alg": "EdDSA", "kid": "00000003"}));
    let claims = part(&token, 1);
    let names: Vec<&String> = claims.as_object().unwrap().keys().collect();
    assert_eq!(names, ["aud", "client_id", "exp", "iat", "iss", "jti", "nbf", "sid", "sub"]);
    assert_eq!(check(&token), Ok(CALLER));
    let after = |secs| verify(&ring(), ISSUER, &token, now().plus(Duration::seconds(secs)));
    assert!(after(15 * 60 - 1).is_ok());
    assert_eq!(after(15 * 60).err(), Some(InvalidToken));
    assert!(after(-60).is_ok(), "another instance's clock may be a little ahead");
    assert_eq!(after(-61).err(), Some(InvalidToken));
}

#[test]
fn only_our_own_claims_hold() {
    let at = now().unix_seconds();
    assert_eq!(check(&signed(json!({}), json!({}))), Ok(CALLER), "the forge itself is right");
    for claims in [
        json!({"exp": null}),
        json!({"exp": "9999999999"}),
        json!({"exp": -1}),
        json!({"exp": f64::MAX}),
        json!({"exp": true}),
        json!({"exp": [at + 60]}),
        json!({"exp": at}),
        json!({"exp": at + 16 * 60}),
        json!({"nbf": null}),
        json!({"nbf": at + 61}),
        json!({"nbf": "0"}),
        json!({"iat": at + 61}),
        json!({"iat": null}),
        json!({"iss": null}),
        json!({"iss": "https://evil.example"}),
        json!({"iss": [ISSUER]}),
        json!({"aud": null}),
        json!({"aud": "staff"}),
        json!({"aud": ["reader"]}),
        json!({"aud": ["reader", "staff"]}),
        json!({"aud": ""}),
        json!({"aud": "demo"}),
        json!({"aud": "site:demo"}),
        json!({"aud": {"site": "demo"}}),
        json!({"client_id": "other"}),
        json!({"sub": null}),
        json!({"sub": "admin"}),
        json!({"sid": null}),
        json!({"jti": null}),
        json!({"pad": "x".repeat(LENGTH_MAX)}),
    ] {
        assert_eq!(check(&signed(json!({}), claims.clone())), Err(InvalidToken), "{claims}");
    }
}

#[test]
fn only_our_own_header_holds() {
    let jwk = serde_json::to_value(ring().jwks.keys.first().unwrap()).unwrap();
    for header in [
        json!({"typ": null}),
        json!({"typ": "JWT"}),
        json!({"typ": "access-receipt+jwt"}),
        json!({"alg": "none"}),
        json!({"alg": "HS256"}),
        json!({"alg": "RS256"}),
        json!({"kid": null}),
        json!({"kid": ""}),
        json!({"kid": "00000002"}),
        json!({"kid": "../../etc/passwd"}),
        json!({"kid": "' or 1=1 --"}),
        json!({"kid": 3}),
        json!({"crit": ["exp"]}),
        json!({"kid": "00000009", "jwk": jwk}),
        json!({"kid": "00000009", "jku": "https://evil.example/jwks.json"}),
    ] {
        assert_eq!(check(&signed(header.clone(), json!({}))), Err(InvalidToken), "{header}");
    }
}

#[test]
fn other_keys_and_other_algorithms_sign_nothing() {
    let claims: Value = part(&good(), 1);
    let with = |alg, key: &EncodingKey| {
        let header = Header {
            typ: Some(TYPE.to_owned()),
            kid: Some("00000003".to_owned()),
            ..Header::new(alg)
        };
        encode(&header, &claims, key).unwrap()
    };
    // The receipts' key signs no access token, whatever name it gives itself.
    assert_eq!(check(&with(Algorithm::EdDSA, &ring().receipt.key)), Err(InvalidToken));
    // The public key as the secret of an HMAC.
    let x = URL_SAFE_NO_PAD.decode(&ring().jwks.keys[0].x).unwrap();
    for alg in [Algorithm::HS256, Algorithm::HS512] {
        assert_eq!(check(&with(alg, &EncodingKey::from_secret(&x))), Err(InvalidToken));
        assert_eq!(check(&with(alg, &EncodingKey::from_secret(b""))), Err(InvalidToken));
    }
    let (message, _) = good().rsplit_once('.').map(|(m, s)| (m.to_owned(), s.to_owned())).unwrap();
    assert_eq!(check(&format!("{message}.")), Err(InvalidToken));
    assert_eq!(check(&message), Err(InvalidToken));
    // Staff's tokens open nothing for readers, nor the reverse.
    let caller = (CALLER, &Scope::Full);
    let staff = issue(&ring(), (ISSUER, Realm::Staff), caller, Uuid::nil(), now()).unwrap();
    assert_eq!(check(&staff), Err(InvalidToken));
    assert_eq!(verify(&ring(), ISSUER, &staff, now()).unwrap().realm, Realm::Staff);
}

fn site(id: &str) -> Scope {
    Scope::Site(id.into())
}

fn guest(id: &str) -> Scope {
    Scope::Read(Some(id.into()))
}

#[test]
fn a_token_says_what_it_opens_and_for_whom() {
    for (scope, aud, claim) in [
        (Scope::Full, "reader", Value::Null),
        (site("news"), "site:news", json!("site")),
        (guest("news"), "site:news", json!("read")),
        // A site may have the name of a realm, and stays a site.
        (site("staff"), "site:staff", json!("site")),
    ] {
        let token = issue(&ring(), OURS, (CALLER, &scope), Uuid::nil(), now()).unwrap();
        let claims = part(&token, 1);
        assert_eq!((&claims["aud"], &claims["scope"]), (&json!(aud), &claim));
        let verified = verify(&ring(), ISSUER, &token, now()).unwrap();
        assert_eq!((verified.realm, verified.scope), (Realm::Reader, scope));
    }
    let own_pages = (CALLER, &Scope::Read(None));
    assert!(issue(&ring(), OURS, own_pages, Uuid::nil(), now()).is_err());
}

#[test]
fn scope_and_audience_belong_together() {
    for (aud, scope) in [
        (json!("reader"), json!("site")),
        (json!("reader"), json!("read")),
        (json!("staff"), json!("site")),
        (json!("news"), json!("site")),
        (json!("site:"), json!("site")),
        (json!("site:"), json!("read")),
        (json!("Site:news"), json!("site")),
        (json!("site:news"), Value::Null),
        (json!("site:news"), json!("")),
        (json!("site:news"), json!("full")),
        (json!("site:news"), json!("site read")),
        (json!("site:news"), json!(["site"])),
        (json!(["site:news"]), json!("site")),
        (json!("reader"), json!("write")),
        (json!("reader"), json!("")),
        (json!("reader"), json!(1)),
    ] {
        let token = signed(json!({}), json!({"aud": aud, "scope": scope}));
        let held = verify(&ring(), ISSUER, &token, now());
        assert_eq!(held.err(), Some(InvalidToken), "{aud} {scope}");
    }
}

#[test]
fn each_scope_permits_its_calls_and_no_others() {
    use Call::{Access, Account, Profile};
    let own_pages = Scope::Read(None);
    for (scope, call, expected) in [
        (Scope::Full, Account, true),
        (Scope::Full, Profile, true),
        (Scope::Full, Access("news"), true),
        (site("news"), Account, false),
        (site("news"), Profile, true),
        (site("news"), Access("news"), true),
        (site("news"), Access("new"), false),
        (site("news"), Access("newsletter"), false),
        (site("news"), Access(""), false),
        (guest("news"), Account, false),
        (guest("news"), Profile, false),
        (guest("news"), Access("news"), true),
        (guest("news"), Access("other"), false),
        (own_pages.clone(), Account, false),
        (own_pages.clone(), Profile, false),
        (own_pages, Access("news"), false),
    ] {
        assert_eq!(scope.permits(call), expected, "{scope:?} {call:?}");
    }
}

proptest! {
    #[test]
    fn no_changed_token_holds(place in 0_usize..10_000, byte in any::<u8>()) {
        let token = good();
        let mut bytes = token.clone().into_bytes();
        let place = place % bytes.len();
        bytes[place] = byte;
        if let Ok(changed) = String::from_utf8(bytes) && changed != token {
            prop_assert_eq!(check(&changed), Err(InvalidToken));
        }
    }

    #[test]
    fn rubbish_is_no_token(text in "\\PC{0,300}", a in "[A-Za-z0-9_-]{0,200}", b in "[A-Za-z0-9_-]{0,200}") {
        prop_assert_eq!(check(&text), Err(InvalidToken));
        let dotted = format!("{a}.{b}.{a}");
        prop_assert_eq!(check(&dotted), Err(InvalidToken));
    }
}
