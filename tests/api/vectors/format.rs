//! The files of vectors, as `tests/vectors/README.md` describes them. What it does not is refused.

use std::{collections::BTreeMap, fs, path::PathBuf};

use pressgate::clock::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    pub(crate) format: u32,
    pub(crate) about: String,
    #[serde(default)]
    pub(crate) catalogs: BTreeMap<String, Catalog>,
    pub(crate) vectors: Vec<Vector>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Catalog {
    pub(crate) plans: Vec<Plan>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    pub(crate) id: String,
    pub(crate) price: Price,
    pub(crate) interval: String,
    pub(crate) trial_days: u32,
    pub(crate) trial_without_card: Option<String>,
    pub(crate) retry_days: Option<Vec<u32>>,
    pub(crate) grace_days: Option<u32>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Price {
    pub(crate) amount: i64,
    pub(crate) currency: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) source: String,
    pub(crate) catalog: Option<String>,
    #[serde(default)]
    pub(crate) readers: BTreeMap<String, String>,
    pub(crate) start: String,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) at: String,
    #[serde(rename = "as", default)]
    pub(crate) reader: String,
    #[serde(rename = "do")]
    pub(crate) action: Option<Action>,
    #[serde(default)]
    pub(crate) answer: Map<String, Value>,
    pub(crate) expect: Option<Map<String, Value>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Action {
    Start(Map<String, Value>),
    Cancel(Map<String, Value>),
    Resume {},
    Switch { plan: String },
    PaymentMethod { payment_method: String },
    Worker(Worker),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Worker {
    On,
    Off,
}

pub(crate) fn instant(text: &str) -> Timestamp {
    Timestamp::parse(text).ok_or_else(|| format!("{text} is no instant")).unwrap()
}

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

/// Every file, by its name.
pub(crate) fn documents() -> BTreeMap<String, Document> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let json = entries.filter(|path| path.extension().is_some_and(|end| end == "json"));
    json.map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let document = serde_json::from_str(&text).map_err(|why| format!("{name}: {why}")).unwrap();
        (name, document)
    })
    .collect()
}
