//! Every call of the API with a body that fits, made up from the description that the service serves.

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use pressgate::{app::AppState, http::edge::Edge, sandbox};
use serde_json::{Map, Value, json};

use crate::{
    app::{Answer, TestApp, config},
    readers::{ANNA, PASSWORD},
};

const NOBODYS_ID: &str = "01900000-0000-7000-8000-000000000000";

/// A service with everything that a sandbox has, and who may call it.
pub(crate) struct Service {
    edge: Edge,
    pub(crate) document: Value,
    reader: String,
    staff: String,
}

/// One call of the description.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// What the description says of it.
    operation: Value,
}

impl Service {
    /// Beside `t`, on the same database, with the machine's clock.
    pub(crate) async fn beside(t: &TestApp) -> Self {
        let state = AppState::open_on_this_machine(config(&t.place.url(), &[])).await.unwrap();
        let edge = state.service().unwrap();
        let mut service =
            Self { edge, document: Value::Null, reader: String::new(), staff: String::new() };
        service.document = service.json("GET", "/openapi.json", None).await;
        let reader = json!({"email": ANNA, "password": PASSWORD});
        service.json("POST", "/v1/readers", Some(reader)).await;
        let mails = service.json("GET", &format!("/sandbox/mail?to={ANNA}"), None).await;
        let text = mails["messages"][0]["text"].as_str().unwrap();
        let token = text.split("token=").nth(1).unwrap();
        let token = token.split(|c: char| c.is_whitespace() || c == '&').next().unwrap();
        let verified = Some(json!({"token": token}));
        let verified = service.json("POST", "/v1/readers/verify", verified).await;
        verified["access_token"].as_str().unwrap().clone_into(&mut service.reader);
        let staff = json!({"email": sandbox::STAFF_EMAIL, "password": sandbox::STAFF_PASSWORD});
        let came = service.json("POST", "/v1/staff/login", Some(staff)).await;
        came["access_token"].as_str().unwrap().clone_into(&mut service.staff);
        service
    }

    async fn json(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let body = body.map(|body| body.to_string());
        let answer = self.send((method, path), "", body.as_deref()).await;
        assert!(answer.status < 300, "{method} {path}: {}", answer.text());
        answer.json()
    }

    pub(crate) async fn send(
        &self,
        (method, path): (&str, &str),
        token: &str,
        body: Option<&str>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = Body::from(body.unwrap_or_default().to_owned());
        Answer::of(self.edge.clone(), request.body(body).unwrap()).await
    }

    /// [`Service::send`] with the token that the call asks for.
    pub(crate) async fn call(&self, call: &Call, path: &str, body: Option<&str>) -> Answer {
        self.send((call.method.as_str(), path), self.token(call), body).await
    }

    fn token(&self, call: &Call) -> &str {
        let schemes = call.operation["security"][0].as_object();
        match schemes.and_then(|schemes| schemes.keys().next()).map(String::as_str) {
            Some("secret_key") => sandbox::SECRET_KEY,
            Some("reader_token") => &self.reader,
            Some("staff_token") => &self.staff,
            _ => "",
        }
    }

    /// Every token there is, and none.
    pub(crate) fn tokens(&self) -> [&str; 4] {
        ["", sandbox::SECRET_KEY, &self.reader, &self.staff]
    }

    /// Every call of the description.
    pub(crate) fn calls(&self) -> Vec<Call> {
        let mut calls = Vec::new();
        for (path, operations) in self.document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else {
                    continue;
                };
                if operation["responses"].is_object() {
                    let (path, operation) = (path.clone(), operation.clone());
                    calls.push(Call { method, path, operation });
                }
            }
        }
        calls
    }

    /// A body that fits, with every field that there may be; `None` where the call has none.
    pub(crate) fn body_of(&self, call: &Call) -> Option<Value> {
        let schema = &call.operation["requestBody"]["content"]["application/json"]["schema"];
        schema.is_object().then(|| self.example(schema))
    }

    fn resolve<'s>(&'s self, schema: &'s Value) -> &'s Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let target = self.document.pointer(reference.trim_start_matches('#')).unwrap();
            return self.resolve(target);
        }
        for kind in ["oneOf", "anyOf", "allOf"] {
            let choices = schema[kind].as_array().into_iter().flatten();
            if let Some(choice) = choices.into_iter().find(|choice| choice["type"] != "null") {
                return self.resolve(choice);
            }
        }
        schema
    }

    fn example(&self, schema: &Value) -> Value {
        let schema = self.resolve(schema);
        if let Some(first) = schema["enum"].get(0) {
            return first.clone();
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().find(|kind| **kind != "null").unwrap(),
            kind => kind,
        };
        match (kind.as_str().unwrap_or("object"), schema["format"].as_str().unwrap_or_default()) {
            ("string", "uuid") => json!(NOBODYS_ID),
            ("string", "date-time") => json!("2027-01-31T10:00:00Z"),
            ("string", "date") => json!("2027-01-31"),
            ("string", "email") => json!("bert@example.org"),
            ("string", _) => json!("x"),
            ("integer" | "number", _) => schema.get("minimum").cloned().unwrap_or(json!(1)),
            ("boolean", _) => json!(true),
            ("array", _) => json!([self.example(&schema["items"])]),
            _ => {
                let mut object = Map::new();
                for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
                    object.insert(name.clone(), self.example(schema));
                }
                Value::Object(object)
            }
        }
    }
}

impl Call {
    /// The names of its parameters in this place: `query` or `path`.
    pub(crate) fn parameters(&self, place: &str) -> Vec<&str> {
        let all = self.operation["parameters"].as_array().into_iter().flatten();
        let here = all.filter(|parameter| parameter["in"] == place);
        here.map(|parameter| parameter["name"].as_str().unwrap()).collect()
    }

    /// The path with this text in place of each parameter.
    pub(crate) fn path_with(&self, text: &str) -> String {
        let mut path = self.path.clone();
        for name in self.parameters("path") {
            path = path.replace(&format!("{{{name}}}"), text);
        }
        path
    }

    /// The path with the id of nothing.
    pub(crate) fn plain_path(&self) -> String {
        self.path_with(NOBODYS_ID)
    }
}

/// The places in `value` that hold what `is_one` looks for: as a pointer (RFC 6901), and as problem
/// documents write it.
pub(crate) fn places(value: &Value, is_one: fn(&Value) -> bool) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if is_one(value) {
        found.push((String::new(), ".".to_owned()));
    }
    let mut below = |step: &str, name: &str, inner: &Value| {
        for (pointer, path) in places(inner, is_one) {
            let path = match path.as_str() {
                "." => name.to_owned(),
                path if path.starts_with('[') => format!("{name}{path}"),
                path => format!("{name}.{path}"),
            };
            found.push((format!("/{step}{pointer}"), path));
        }
    };
    match value {
        Value::Object(object) => object.iter().for_each(|(name, inner)| below(name, name, inner)),
        Value::Array(items) => {
            for (i, inner) in items.iter().enumerate() {
                below(&i.to_string(), &format!("[{i}]"), inner);
            }
        }
        _ => {}
    }
    found
}
