//! Files that are compiled in: style sheets, pictures, scripts. They hold no secret, so they may be
//! packed; pages are not, for what is packed beside a secret tells of it.

use std::{io::Write, sync::OnceLock};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};

/// A file with its media type; packed once, when somebody first takes it packed.
#[derive(Debug)]
pub struct Asset {
    media_type: &'static str,
    content: &'static str,
    packed: OnceLock<Option<Bytes>>,
}

impl Asset {
    /// The file `content`.
    #[must_use]
    pub const fn new(media_type: &'static str, content: &'static str) -> Self {
        Self { media_type, content, packed: OnceLock::new() }
    }

    /// What is in it.
    #[must_use]
    pub fn content(&self) -> &'static str {
        self.content
    }

    /// The answer to a request with these headers: packed where the client takes that.
    #[must_use]
    pub fn answer(&self, headers: &HeaderMap) -> Response {
        let about: [(HeaderName, HeaderValue); 3] = [
            (header::CONTENT_TYPE, HeaderValue::from_static(self.media_type)),
            (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
            (header::VARY, HeaderValue::from_static("accept-encoding")),
        ];
        match self.packed().filter(|_| takes_gzip(headers)) {
            Some(packed) => (about, [(header::CONTENT_ENCODING, "gzip")], packed).into_response(),
            None => (about, self.content).into_response(),
        }
    }

    fn packed(&self) -> Option<Bytes> {
        let pack = || {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(self.content.as_bytes()).ok()?;
            encoder.finish().ok().map(Bytes::from)
        };
        self.packed.get_or_init(pack).clone()
    }
}

/// Whether `Accept-Encoding` names gzip and does not refuse it (RFC 9110, section 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut codings =
        values.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|it| it.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_some_and(|weight| weight > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use http_body_util::BodyExt;

    use super::*;

    static STYLE: Asset = Asset::new("text/css", "p { margin: 0; }");

    fn asking(encoding: &'static str) -> HeaderMap {
        [(header::ACCEPT_ENCODING, HeaderValue::from_static(encoding))].into_iter().collect()
    }

    #[test]
    fn gzip_is_taken_only_where_it_is_asked_for() {
        for (encoding, takes) in [
            ("gzip, deflate, br, zstd", true),
            ("br;q=1.0, GZIP;q=0.8", true),
            ("gzip;q=0, br", false),
            ("gzip;q=x", false),
            ("xgzip", false),
            ("identity", false),
            ("", false),
        ] {
            assert_eq!(takes_gzip(&asking(encoding)), takes, "{encoding}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn both_forms_are_the_same_file() {
        let plain = STYLE.answer(&HeaderMap::new());
        assert!(plain.headers().get(header::CONTENT_ENCODING).is_none());
        assert_eq!(plain.headers()[header::VARY], "accept-encoding");
        let packed = STYLE.answer(&asking("gzip"));
        assert_eq!(packed.headers()[header::CONTENT_ENCODING], "gzip");
        let packed = packed.into_body().collect().await.unwrap().to_bytes();
        let mut unpacked = String::new();
        GzDecoder::new(&packed[..]).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, STYLE.content());
    }
}
