//! The catalog's commands, as publishers use them.

use crate::server::{Server, pressgate, run, run_json, sqlite_url};

#[test]
fn a_catalog_is_checked_before_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/config/catalog.toml");
    let well = run(&url, &["catalog", "check", shipped]);
    assert_eq!(String::from_utf8(well.stdout).unwrap(), "Well: products 1, plans 2\n");
    assert!(well.status.success() && !folder.path().join("pressgate.db").exists());

    let text = std::fs::read_to_string(shipped).unwrap();
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, text.replacen(", fr = \"Mensuelle\"", "", 1)).unwrap();
    let gap = run(&url, &["catalog", "check", file.to_str().unwrap()]);
    assert_eq!(
        String::from_utf8(gap.stdout).unwrap(),
        "Note: `plans.name` of `monthly` has no text in fr: `en` is shown instead\n\
         Well: products 1, plans 2\n"
    );
    assert!(gap.status.success());

    let wrong = text.replace("\"USD\"", "\"DOLLAR\"").replace("\"month\"\n", "\"week\"\n");
    std::fs::write(&file, wrong).unwrap();
    let told = run(&url, &["catalog", "check", file.to_str().unwrap()]);
    let complaint = String::from_utf8(told.stderr).unwrap();
    assert_eq!(told.status.code(), Some(1));
    assert!(complaint.starts_with("pressgate: ") && complaint.contains("mine.toml: the catalog"));
    assert_eq!(complaint.matches("`plans.price.currency` must be").count(), 2, "{complaint}");
    assert_eq!(complaint.matches("`plans.interval` must be").count(), 1, "{complaint}");
    let missing = run(&url, &["catalog", "check", "/nowhere.toml"]);
    assert_eq!(missing.status.code(), Some(1));
}

#[tokio::test]
async fn the_versions_that_were_sold_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/config/catalog.toml");
    let file = folder.path().join("mine.toml");
    let text = std::fs::read_to_string(shipped).unwrap();
    std::fs::write(&file, text.replace("290", "390")).unwrap();
    for catalog in ["", file.to_str().unwrap()] {
        let mut server =
            Server::start(pressgate(&url, &[("PRESSGATE__BILLING__CATALOG", catalog)]));
        server.eventually_says("/health/ready", 200).await;
        server.terminate();
        assert!(server.ended().await.success());
    }
    let listed = run_json(&url, &["catalog", "versions", "--json"])["versions"].clone();
    assert_eq!((&listed[0]["version"], &listed[1]["version"]), (&2.into(), &1.into()));
    assert_eq!(listed[0]["sha256"].as_str().unwrap().len(), 64);
    assert!(listed[0]["created_at"].as_str().unwrap().ends_with('Z'));
    let before = run_json(&url, &["catalog", "versions", "--before", "2", "--json"]);
    assert_eq!(before["versions"].as_array().unwrap().len(), 1);
    let lines = run(&url, &["catalog", "versions"]).stdout;
    assert_eq!(String::from_utf8(lines).unwrap().lines().count(), 2);
}
