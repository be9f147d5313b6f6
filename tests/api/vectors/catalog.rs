//! An application that sells what a vector says.

use std::{io::Write, sync::Arc};

use pressgate::clock::ManualClock;
use serde_json::{Map, Value, json};
use tempfile::NamedTempFile;

use super::format::{Catalog, Plan};
use crate::{app::TestApp, place::Place};

/// Opens an application with the vector's catalog, or with the one that is compiled in.
pub(crate) async fn open(
    place: Place,
    clock: Arc<ManualClock>,
    catalog: Option<&Catalog>,
) -> TestApp {
    // Nobody works but who settles: a vector says when.
    let mut settings = vec![("PRESSGATE__BILLING__WORKER", "false")];
    let mut file = NamedTempFile::new().unwrap();
    if let Some(catalog) = catalog {
        file.write_all(text_of(catalog).as_bytes()).unwrap();
        settings.push(("PRESSGATE__BILLING__CATALOG", file.path().to_str().unwrap()));
    }
    // The file is read once, at the start.
    TestApp::open(place, clock, &settings).await.unwrap()
}

/// The catalog in the service's own form.
fn text_of(catalog: &Catalog) -> String {
    let product = json!({"id": "news", "name": "News", "sites": "all"});
    let plans: Vec<Value> = catalog.plans.iter().map(plan).collect();
    let whole = json!({"seller": {"country": "US"}, "products": [product], "plans": plans});
    toml::to_string(&whole).unwrap()
}

fn plan(plan: &Plan) -> Value {
    let all = json!({
        "id": plan.id,
        "product": "news",
        "name": plan.id,
        "price": {"amount": plan.price.amount, "currency": plan.price.currency},
        "interval": plan.interval,
        "trial_days": plan.trial_days,
        "trial_without_card": plan.trial_without_card,
        "retry_days": plan.retry_days,
        "grace_days": plan.grace_days,
    });
    let given = all.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
    Value::Object(given.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}
