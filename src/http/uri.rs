//! What an address may hold, checked once for every path and parameter before a route sees it.

use axum::http::Uri;
use form_urlencoded::parse;
use percent_encoding::percent_decode_str;

use super::{
    problem::{ApiError, FieldError},
    text,
};

/// Refuses control characters, written as `%00` and so on.
///
/// # Errors
/// [`ApiError::InvalidQuery`] names the parameter. A path with one is the path of nothing, as is one that
/// is no text: [`ApiError::NotFound`].
pub(super) fn check(uri: &Uri) -> Result<(), ApiError> {
    let path = percent_decode_str(uri.path()).decode_utf8();
    if !path.is_ok_and(|path| text::check_line(&path).is_ok()) {
        return Err(ApiError::NotFound);
    }
    for (name, value) in parse(uri.query().unwrap_or_default().as_bytes()) {
        let error = |field: &str, rule| {
            ApiError::InvalidQuery(vec![FieldError::new(field, "invalid_value", rule)])
        };
        text::check_line(&name).map_err(|rule| error("query", rule))?;
        text::check_line(&value).map_err(|rule| error(&name, rule))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_with_a_control_character_is_named_and_a_path_leads_nowhere() {
        let refused = |uri: &str| check(&uri.parse().unwrap()).err();
        for uri in
            ["/", "/v1/readers/%C3%A9?q=%C3%A9+%E2%80%A8&x", "/?%FF=%FF", "/%25%30%30?a=%2500"]
        {
            assert!(refused(uri).is_none(), "{uri}");
        }
        for uri in ["/a%00", "/a%0ab", "/%7f", "/%C2%85/b", "/%FF", "/%C2", "/\u{85}"] {
            assert!(matches!(refused(uri), Some(ApiError::NotFound)), "{uri}");
        }
        for (uri, field) in [
            ("/?q=%00", "q"),
            ("/?a=b&q=a%0Ab", "q"),
            ("/?q=%C2%9F", "q"),
            ("/?q=%7F&r=%00", "q"),
            ("/?%00=a", "query"),
            ("/?q=a%09b", "q"),
        ] {
            let Some(ApiError::InvalidQuery(errors)) = refused(uri) else { panic!("{uri}") };
            assert_eq!(
                (errors[0].field.as_str(), errors[0].code),
                (field, "invalid_value"),
                "{uri}"
            );
        }
    }
}
