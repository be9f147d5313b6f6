//! The description of the API for programs (`/openapi.json`) and for people (`/docs`).

use axum::Router;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

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
        let access_token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
        let access_token = SecurityScheme::Http(access_token.build());
        components.add_security_scheme("reader_token", access_token.clone());
        components.add_security_scheme("staff_token", access_token);
    }
}

/// Turns described routes into a router that also serves their description.
pub fn described(rooms: OpenApiRouter) -> Router {
    let (router, description) =
        OpenApiRouter::with_openapi(Description::openapi()).merge(rooms).split_for_parts();
    router.merge(SwaggerUi::new("/docs").url("/openapi.json", description))
}
