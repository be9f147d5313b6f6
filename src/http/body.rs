//! Reading JSON bodies: bounded, strict, and with the field and the rule in every refusal.

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;

use super::problem::{ApiError, FieldError};

/// Most bytes a JSON body may have.
pub const BODY_MAX: usize = 64 * 1024;

/// The bytes of a body that is declared to be JSON. Handlers parse them with [`parse`], so that
/// texts can be borrowed from the body instead of copied.
#[derive(Debug)]
pub struct JsonBytes(pub Bytes);

impl<S: Sync> FromRequest<S> for JsonBytes {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::UnsupportedMediaType);
        }
        read(request.into_body()).await.map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = declared.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

async fn read(body: Body) -> Result<Bytes, ApiError> {
    match Limited::new(body, BODY_MAX).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::TooLarge(BODY_MAX)),
        Err(_) => Err(ApiError::BodyCut),
    }
}

/// Parses a JSON body.
///
/// # Errors
/// [`ApiError::InvalidJson`] when it is no JSON, [`ApiError::InvalidFields`] when a field is
/// unknown, missing or of the wrong type.
pub fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ApiError> {
    // Almost every body is right: only a wrong one is read again, slowly, to find the place.
    serde_json::from_slice(bytes).map_err(|_| explain::<T>(bytes))
}

#[cold]
fn explain<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> ApiError {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut json) else {
        // The value was right, so what follows it is wrong.
        return ApiError::InvalidJson("there is text after the JSON value".to_owned());
    };
    let inner = error.inner();
    if !inner.is_data() {
        return ApiError::InvalidJson(inner.to_string());
    }
    ApiError::InvalidFields(vec![field_error(&error.path().to_string(), &inner.to_string())])
}

/// Serde says what is wrong in words only; these are the words it has used since version 1.0.
fn field_error(path: &str, message: &str) -> FieldError {
    let detail = message.split(" at line ").next().unwrap_or(message);
    let named = detail.split('`').nth(1).unwrap_or_default();
    let below = |name: &str| match path {
        "." => name.to_owned(),
        path if path == name || path.ends_with(&format!(".{name}")) => path.to_owned(),
        path => format!("{path}.{name}"),
    };
    let (field, code) = if detail.starts_with("unknown field") {
        (below(named), "unknown_field")
    } else if detail.starts_with("missing field") {
        (below(named), "required")
    } else if detail.starts_with("duplicate field") {
        (below(named), "duplicate_field")
    } else if detail.starts_with("unknown variant") {
        (path.to_owned(), "invalid_value")
    } else {
        (path.to_owned(), "invalid_type")
    };
    FieldError::new(field, code, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its reading is tested")]
    struct Outer {
        article: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its reading is tested")]
    struct Inner {
        id: String,
    }

    #[test]
    fn a_refusal_names_the_field_and_the_rule() {
        for (body, field, code) in [
            (r#"{"article": {"id": 7}}"#, "article.id", "invalid_type"),
            (r#"{"article": {}}"#, "article.id", "required"),
            (r#"{"article": {"id": "a", "idd": 1}}"#, "article.idd", "unknown_field"),
            (r#"{"article": {"id": "a"}, "x": 1}"#, "x", "unknown_field"),
            (r#"{"article": {"id": "a", "id": "b"}}"#, "article.id", "duplicate_field"),
            ("[]", ".", "invalid_type"),
        ] {
            let Err(ApiError::InvalidFields(errors)) = parse::<Outer>(body.as_bytes()) else {
                panic!("{body} was not refused for a field")
            };
            assert_eq!((errors[0].field.as_str(), errors[0].code), (field, code), "{body}");
        }
        for body in [&b"{"[..], b"", b"{\"article\": {\"id\": \"\xff\"}}", b"{} {}"] {
            let refused = parse::<Outer>(body);
            let is_field = matches!(&refused, Err(ApiError::InvalidFields(_)));
            assert!(refused.is_err() && (!is_field || body == b"{} {}"), "{refused:?}");
        }
    }
}
