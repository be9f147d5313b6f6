//! The description of the API for programs (`/openapi.json`) and for people (`/docs`).

use axum::{
    Router,
    body::Bytes,
    http::{HeaderName, HeaderValue, header},
    middleware::map_response,
    response::Response,
    routing::get,
};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::refusals;

const DESCRIPTION: &str = "/openapi.json";
/// The pages run a large script of a third party, so they are kept apart from ours: the sandbox gives them
/// an origin of their own, from which no cookie is sent and no page of ours can be read.
const CONTENT_SECURITY_POLICY: &str = "sandbox allow-scripts; default-src 'none'; script-src 'self'; \
    style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// What no route says by itself.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Pressgate",
        description = "An open metered paywall and subscription service. Every problem is a \
                       document of RFC 9457 with a stable `code`; every answer carries \
                       `X-Request-Id`."
    ),
    tags(
        (name = "Websites", description = "May this visitor read this article?"),
        (name = "Readers", description = "Accounts, logging in, and the reader's own things."),
        (name = "Newsletters", description = "Which newsletters there are."),
        (name = "Staff", description = "The back office; every act is in the audit log."),
        (name = "Operations", description = "Is the service well?"),
        (name = "Sandbox", description = "Only in a sandbox: the movable clock."),
    ),
    modifiers(&Keys)
)]
struct Description;

struct Keys;

impl Modify for Keys {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let secret_key = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme("secret_key", secret_key);
        let access_token =
            || HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
        let reader_token = access_token().description(Some(
            "An access token of 15 minutes from a log-in. One that was handed over to a website \
             (`scope` `site` or `read`) opens that site's access questions, one of the scope `site` \
             also `GET /v1/me`; every other call answers it 403 `insufficient_scope`.",
        ));
        let [reader_token, staff_token] =
            [reader_token, access_token()].map(|token| SecurityScheme::Http(token.build()));
        components.add_security_scheme("reader_token", reader_token);
        components.add_security_scheme("staff_token", staff_token);
    }
}

/// Turns described routes into a router that also serves their description.
///
/// # Errors
/// When the description cannot be written.
pub fn described(rooms: OpenApiRouter) -> serde_json::Result<Router> {
    let (router, mut description) =
        OpenApiRouter::with_openapi(Description::openapi()).merge(rooms).split_for_parts();
    refusals::describe(&mut description);
    let description = Bytes::from(serde_json::to_vec(&description)?);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        // It is the same for everyone, and `/docs` reads it from another origin.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ];
    let description = get(async move || (headers, description));
    Ok(router.route(DESCRIPTION, description).merge(pages()))
}

/// Nothing can be sent from there: a call would come from another origin, and none of ours is allowed.
fn pages() -> Router {
    let config = Config::from(DESCRIPTION).supported_submit_methods::<[&str; 0], _>([]);
    let pages = Router::from(SwaggerUi::new("/docs").config(config));
    pages.layer(map_response(async |mut page: Response| {
        let policy = HeaderValue::from_static(CONTENT_SECURITY_POLICY);
        page.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        let opener = HeaderName::from_static("cross-origin-opener-policy");
        page.headers_mut().insert(opener, HeaderValue::from_static("same-origin"));
        page
    }))
}
