//! The refusals that a call shares with others, added to the description in one place: each follows from
//! what the call takes. What only one call answers is written beside its handler.

use utoipa::openapi::{
    Components, Content, OpenApi, Ref, RefOr, Response, ResponseBuilder, path::Operation,
};

/// A refusal: its status, its name in the description, what it means, and for which calls.
type Refusal = (&'static str, &'static str, &'static str, fn(&Operation) -> bool);

const REFUSALS: [Refusal; 11] = [
    (
        "400",
        "Malformed",
        "The body is not JSON, or a parameter or header breaks a rule: see `errors`",
        |_| true,
    ),
    ("401", "Unauthenticated", "No valid key or token", is_secured),
    ("403", "NotPermitted", "The key or token does not open this", is_secured),
    ("404", "NotFound", "There is nothing with this id", |it| has_parameter(it, "path")),
    ("408", "TooSlow", "The body came too slowly", has_body),
    ("409", "KeyInUse", "A request with this `Idempotency-Key` is being done", takes_key),
    ("413", "TooLarge", "The body is too large", has_body),
    ("415", "NotJson", "The body is not declared as `application/json`", has_body),
    ("422", "Invalid", "A field or parameter breaks a rule: see `errors`", |it| {
        has_body(it) || has_parameter(it, "query") || takes_key(it)
    }),
    ("429", "TooMany", "Tried too often; see `Retry-After`", has_body),
    ("503", "Unavailable", "Too busy, or a database is out of reach; see `Retry-After`", |_| true),
];

fn is_secured(operation: &Operation) -> bool {
    operation.security.as_ref().is_some_and(|schemes| !schemes.is_empty())
}

fn has_body(operation: &Operation) -> bool {
    operation.request_body.is_some()
}

fn has_parameter(operation: &Operation, place: &str) -> bool {
    operation.parameters.iter().flatten().any(|parameter| match parameter {
        RefOr::T(parameter) => {
            serde_json::to_value(&parameter.parameter_in).is_ok_and(|it| it == place)
        }
        RefOr::Ref(_) => false,
    })
}

/// Whatever changes something in the name of a reader or of staff.
fn takes_key(operation: &Operation) -> bool {
    is_secured(operation) && has_body(operation)
}

/// Adds to each call the refusals that follow from what it takes, and that it does not describe itself.
pub(super) fn describe(description: &mut OpenApi) {
    let components = description.components.get_or_insert_with(Components::default);
    for (_, name, meaning, _) in REFUSALS {
        let content = Content::new(Some(Ref::from_schema_name("ProblemBody")));
        let response = ResponseBuilder::new().description(meaning);
        let response: Response = response.content("application/problem+json", content).build();
        components.responses.insert(name.to_owned(), RefOr::T(response));
    }
    for item in description.paths.paths.values_mut() {
        let operations =
            [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            for (status, name, _, is_possible) in REFUSALS {
                if is_possible(operation) {
                    let refusal = RefOr::Ref(Ref::from_response_name(name));
                    operation.responses.responses.entry(status.to_owned()).or_insert(refusal);
                }
            }
        }
    }
}
