//! Reading JSON bodies: bounded, strict, and with the field and the rule in every refusal.

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;

use super::{
    problem::{ApiError, FieldError},
    strict::Strict,
    text,
};

/// Most bytes a JSON body may have.
pub const BODY_MAX: usize = 64 * 1024;

/// How `serde_json` begins what it says of an escape that is no character: `"\ud800"` fits the grammar of
/// JSON, but no text.
const ESCAPES: [&str; 3] =
    ["lone leading surrogate", "unexpected end of hex escape", "invalid unicode code point"];

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
/// unknown, missing, of the wrong type, or a text that holds what [`text`] refuses.
pub fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ApiError> {
    // Almost every body is right: only a wrong one is read again, slowly, to find the place.
    read_json(bytes).map_err(|_| explain::<T>(bytes))
}

fn read_json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> serde_json::Result<T> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = T::deserialize(Strict::new(&mut json))?;
    json.end()?;
    Ok(value)
}

#[cold]
fn explain<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> ApiError {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize::<_, T>(Strict::new(&mut json));
    let Err(error) = read else {
        // The value was right, so what follows it is wrong.
        let detail = "there is text after the JSON value".to_owned();
        return ApiError::InvalidJson { detail, at: None };
    };
    let (path, inner) = (error.path().to_string(), error.inner());
    if !inner.is_data() {
        let is_escape = ESCAPES.iter().any(|start| inner.to_string().starts_with(start));
        let rule = "must be Unicode text: an escaped surrogate is half a character";
        let at = is_escape.then(|| FieldError::new(path, "invalid_value", rule));
        return ApiError::InvalidJson { detail: inner.to_string(), at };
    }
    ApiError::InvalidFields(vec![field_error(&path, &inner.to_string())])
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
    } else if detail.starts_with("unknown variant") || text::is_rule(detail) {
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
            (r#"[{"id": "a"}]"#, ".", "invalid_type"),
            (r#"{"article": ["a"]}"#, "article", "invalid_type"),
            (r#"{"article": {"id": "a\u0000"}}"#, "article.id", "invalid_value"),
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

    #[test]
    fn an_escape_that_is_half_a_character_is_named() {
        for half in
            [r"\ud800", r"\ud800x", r"\ud800\n", r"\udc00", r"\ud800\ud800", r"\udfff\ud800"]
        {
            let body = format!(r#"{{"article": {{"id": "a{half}"}}}}"#);
            let refused = parse::<Outer>(body.as_bytes());
            let Err(ApiError::InvalidJson { at: Some(at), .. }) = refused else {
                panic!("{body}: {refused:?}")
            };
            assert_eq!((at.field.as_str(), at.code), ("article.id", "invalid_value"), "{body}");
        }
    }
}
