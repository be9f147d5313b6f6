//! Access tokens that are not ours, not whole, not in time or not for this door: refused alike at
//! every one.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use axum::{
    body::Body,
    http::{Method, Request},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use pressgate::{
    auth::{
        access_token::{Caller, Realm, Scope},
        store::rotate,
    },
    clock::Clock,
    ids::Ids,
};
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{Answer, TestApp},
    readers::{ANNA, Tokens, all_of, refused},
};

/// Every door that a reader's token opens.
const DOORS: [(Method, &str); 8] = [
    (Method::GET, "/v1/me"),
    (Method::GET, "/v1/me/export"),
    (Method::GET, "/v1/me/sessions"),
    (Method::PUT, "/v1/me/password"),
    (Method::POST, "/v1/me/email"),
    (Method::DELETE, "/v1/me/sessions/01963f2e-0000-7000-8000-000000000000"),
    (Method::DELETE, "/v1/me/sessions"),
    (Method::DELETE, "/v1/me"),
];

async fn knock(t: &TestApp, (method, path): &(Method, &str), authorization: &[u8]) -> Answer {
    let request = Request::builder()
        .method(method.clone())
        .uri(*path)
        .header("content-type", "application/json")
        .header("authorization", authorization);
    t.send(request.body(Body::from("{}")).unwrap()).await
}

/// No door opens, and each says the same.
async fn nothing_opens(t: &TestApp, authorization: &str) {
    let mut first = None;
    for door in &DOORS {
        let answer = knock(t, door, authorization.as_bytes()).await;
        let start: String = authorization.chars().take(80).collect();
        assert_eq!(answer.problem(), refused(401, "invalid_token"), "{door:?} {start}");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"pressgate\"");
        let said = all_of(&answer);
        assert_eq!(first.get_or_insert_with(|| said.clone()), &said, "{door:?} {start}");
    }
}

fn part(token: &str, n: usize) -> Value {
    let text = token.split('.').nth(n).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

fn packed(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The claims of `token` under another header, signed by a key of the forger's.
fn forged(token: &str, header: &Value, key: &Ed25519KeyPair) -> String {
    let mut whole = part(token, 0);
    whole.as_object_mut().unwrap().extend(header.as_object().unwrap().clone());
    let message = format!("{}.{}", packed(&whole), packed(&part(token, 1)));
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes())))
}

async fn jwks(t: &TestApp) -> Value {
    t.get("/.well-known/jwks.json").await.json()
}

/// What a website learns from a token with nothing but the published keys.
async fn checked_offline(t: &TestApp, token: &str) -> Option<Value> {
    let (jwks, kid) = (jwks(t).await, part(token, 0)["kid"].clone());
    let key = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid)?;
    let key = DecodingKey::from_ed_components(key["x"].as_str().unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&["http://127.0.0.1:8080"]);
    validation.set_audience(&["reader"]);
    validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
    validation.validate_exp = false; // The story's clock stands still.
    Some(decode::<Value>(token, &key, &validation).unwrap().claims)
}

async fn rotate_keys(t: &TestApp) {
    let mut tx = t.state.databases.main.write().await.unwrap();
    let (master, ids) = (&t.state.config.master, Ids::system().unwrap());
    rotate(&mut tx, master, &ids, t.clock.now(), Duration::days(390)).await.unwrap();
    tx.commit().await.unwrap();
    t.state.gate.directory.refresh().await.unwrap();
}

on_both_databases! {
    async fn a_token_that_is_not_whole_opens_nothing(t: TestApp) {
        let (tokens, other) = (t.reader(ANNA).await, t.reader("bert@example.org").await);
        let access = &tokens.access;
        nothing_opens(&t, "").await;
        nothing_opens(&t, "Bearer").await;
        nothing_opens(&t, "Bearer ").await;
        nothing_opens(&t, access).await;
        nothing_opens(&t, &format!("Basic {access}")).await;
        nothing_opens(&t, &format!("Bearer {access} {access}")).await;
        nothing_opens(&t, &format!("Bearer {}", tokens.refresh)).await;
        nothing_opens(&t, "Bearer sk_sandbox_demo").await;
        let parts: Vec<&str> = access.split('.').collect();
        let others: Vec<&str> = other.access.split('.').collect();
        let (head, claims, signature) = (parts[0], parts[1], parts[2]);
        for token in [
            access[..access.len() - 1].to_owned(),
            access[1..].to_owned(),
            format!("{head}.{claims}"),
            format!("{head}.{claims}."),
            format!("{head}..{signature}"),
            format!(".{claims}.{signature}"),
            format!("{access}."),
            format!("{access}.x"),
            format!("{access}="),
            format!("{head}.{claims}.{}", others[2]),
            format!("{head}.{}.{signature}", others[1]),
            "x".repeat(1_025),
            "x".repeat(100_000),
            format!("{access}{}", "A".repeat(2_000)),
            "..".to_owned(),
            "\u{e9}".to_owned(),
        ] {
            nothing_opens(&t, &format!("Bearer {token}")).await;
        }
        let answer = knock(&t, &DOORS[0], b"Bearer \xff\xfe").await;
        assert_eq!(answer.problem(), refused(401, "invalid_token"));
        assert!(t.opens(access).await, "and none of it did any harm");
    }

    async fn a_token_of_somebody_elses_making_opens_nothing(t: TestApp) {
        let token = t.reader(ANNA).await.access;
        let own = Ed25519KeyPair::generate().unwrap();
        let kid = part(&token, 0)["kid"].clone();
        let x = URL_SAFE_NO_PAD.encode(own.public_key().as_ref());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "x": x, "kid": kid});
        for header in [
            json!({}),
            json!({"jwk": jwk}),
            json!({"jku": "https://evil.example/jwks.json"}),
            json!({"x5u": "https://evil.example/cert.pem"}),
            json!({"kid": "../../../../dev/null"}),
            json!({"kid": "' or 1=1 --"}),
            json!({"kid": ""}),
            json!({"alg": "none"}),
        ] {
            nothing_opens(&t, &format!("Bearer {}", forged(&token, &header, &own))).await;
        }
        let claims = token.split('.').nth(1).unwrap();
        for alg in ["none", "None", "NONE", "nOnE"] {
            let head = packed(&json!({"typ": "at+jwt", "alg": alg, "kid": kid}));
            nothing_opens(&t, &format!("Bearer {head}.{claims}.")).await;
            let signature = token.split('.').nth(2).unwrap();
            nothing_opens(&t, &format!("Bearer {head}.{claims}.{signature}")).await;
        }
    }

    async fn a_published_key_is_no_secret_of_another_algorithm(t: TestApp) {
        let token = t.reader(ANNA).await.access;
        let (claims, jwks) = (part(&token, 1), jwks(&t).await);
        for jwk in jwks["keys"].as_array().unwrap() {
            let x = jwk["x"].as_str().unwrap();
            let secrets = [x.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(x).unwrap(), Vec::new()];
            for (secret, alg) in secrets.iter().zip([Algorithm::HS256, Algorithm::HS512, Algorithm::HS256]) {
                let header = Header {
                    typ: Some("at+jwt".to_owned()),
                    kid: Some(jwk["kid"].as_str().unwrap().to_owned()),
                    ..Header::new(alg)
                };
                let token = encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap();
                nothing_opens(&t, &format!("Bearer {token}")).await;
            }
        }
    }

    async fn a_token_is_for_one_realm_one_kind_and_one_installation(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        let claims = part(&tokens.access, 1);
        let id = |name: &str| claims[name].as_str().unwrap().parse().unwrap();
        let caller = Caller { subject: id("sub"), session: id("sid") };
        let staff = t.state.accounts.tokens.issue(Realm::Staff, caller, &Scope::Full).unwrap();
        nothing_opens(&t, &format!("Bearer {staff}")).await;
        let visitor = t.visitor().await;
        nothing_opens(&t, &format!("Bearer {}", visitor.as_str().unwrap())).await;
        let body = json!({"article": {"id": "tides"}, "receipt": true});
        let receipt = t.access(body).await.json()["receipt"].as_str().unwrap().to_owned();
        nothing_opens(&t, &format!("Bearer {receipt}")).await;
        let elsewhere = [("PRESSGATE__SERVER__PUBLIC_URL", "http://127.0.0.1:9090")];
        let other = t.another_process_with(&elsewhere).await;
        let issued = other.state.accounts.tokens.issue(Realm::Reader, caller, &Scope::Full).unwrap();
        nothing_opens(&t, &format!("Bearer {issued}")).await;
        assert!(other.opens(&issued).await && t.opens(&tokens.access).await);
    }

    async fn a_token_ends_to_the_second_and_is_not_from_far_ahead(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        let issued_at = t.clock.now();
        let issued_at = issued_at.minus(Duration::microseconds(issued_at.micros() % 1_000_000));
        assert!(t.opens(&tokens.access).await);
        t.clock.set(issued_at.plus(Duration::minutes(15) - Duration::MICROSECOND));
        assert!(t.opens(&tokens.access).await, "remembered as checked");
        t.clock.set(issued_at.plus(Duration::minutes(15)));
        nothing_opens(&t, &format!("Bearer {}", tokens.access)).await;
        let next = Tokens::of(&t.refresh(&tokens.refresh).await);
        // Another instance's clock may be a minute ahead of ours.
        t.clock.advance(-Duration::seconds(61));
        nothing_opens(&t, &format!("Bearer {}", next.access)).await;
        t.clock.advance(Duration::SECOND);
        assert!(t.opens(&next.access).await);
    }

    async fn it_says_nothing_of_the_reader_but_the_id(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        let claims = checked_offline(&t, &tokens.access).await.unwrap();
        let names: Vec<&String> = claims.as_object().unwrap().keys().collect();
        assert_eq!(names, ["aud", "client_id", "exp", "iat", "iss", "jti", "nbf", "sid", "sub"]);
        assert_eq!(claims["sub"], tokens.reader.as_str());
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
        assert!(!claims.to_string().contains("anna"));
    }

    async fn a_token_can_be_checked_without_us_while_keys_change(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        let kid = |token: &str| part(token, 0)["kid"].as_str().unwrap().to_owned();
        rotate_keys(&t).await;
        let before = t.device(ANNA).await;
        assert_eq!(kid(&before.access), kid(&tokens.access), "published, not yet signing");
        t.clock.advance(Duration::seconds(90));
        t.state.gate.directory.refresh().await.unwrap();
        let after = t.device(ANNA).await;
        assert_ne!(kid(&after.access), kid(&tokens.access));
        for token in [&tokens, &before, &after] {
            let claims = checked_offline(&t, &token.access).await.unwrap();
            assert_eq!(claims["sub"], tokens.reader.as_str());
            assert!(t.opens(&token.access).await);
        }
        t.clock.advance(Duration::DAY);
        t.state.gate.directory.refresh().await.unwrap();
        assert_eq!(checked_offline(&t, &tokens.access).await, None, "the old key has faded");
        let last = Tokens::of(&t.refresh(&after.refresh).await);
        assert!(checked_offline(&t, &last.access).await.is_some());
    }
}
