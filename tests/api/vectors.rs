//! The public vectors of billing, played through the real router on both databases.
//!
//! `tests/vectors/README.md` describes their format and where their expectations come from.

mod catalog;
mod format;
mod player;
mod seen;

use std::{
    any::Any,
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    process::Command,
    sync::Mutex,
    thread,
};

use format::{Catalog, Vector, documents, folder, instant};

use crate::place::Place;

/// Vectors that are played at once: each has an application of its own.
const AT_ONCE: usize = 4;

/// A vector to play: its title, itself, and its catalog.
type Task = (String, Vector, Option<Catalog>);

/// Plays every vector whose name holds the text in `PRESSGATE_VECTORS`, if that is set.
fn all_pass(on_postgres: bool) {
    let tasks = Mutex::new(tasks().into_iter());
    let play_some = || {
        let mut failures = Vec::new();
        loop {
            let Some(task) = tasks.lock().unwrap().next() else { return failures };
            failures.extend(failure(&task, on_postgres));
        }
    };
    let failures: Vec<String> = thread::scope(|scope| {
        let players: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(play_some)).collect();
        players.into_iter().flat_map(|player| player.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{} vectors differ:\n{}", failures.len(), failures.join("\n"));
}

fn tasks() -> Vec<Task> {
    let wanted = std::env::var("PRESSGATE_VECTORS").unwrap_or_default();
    let of_file = |(file, document): (String, format::Document)| {
        let format::Document { catalogs, vectors, .. } = document;
        vectors.into_iter().map(move |vector| {
            let catalog = vector.catalog.as_ref().map(|name| catalogs[name].clone());
            (format!("{file}: {}", vector.name), vector, catalog)
        })
    };
    let all = documents().into_iter().flat_map(of_file);
    all.filter(|(title, ..)| title.contains(&wanted)).collect()
}

/// How a vector differs, if it does.
fn failure((title, vector, catalog): &Task, on_postgres: bool) -> Option<String> {
    let differences =
        catch_unwind(AssertUnwindSafe(|| play(vector, catalog.as_ref(), on_postgres)))
            .unwrap_or_else(|panic| vec![said(panic.as_ref())]);
    let list = differences.join("\n    ");
    (!differences.is_empty()).then(|| format!("{title}\n    {list}"))
}

#[tokio::main(flavor = "current_thread")]
async fn play(vector: &Vector, catalog: Option<&Catalog>, on_postgres: bool) -> Vec<String> {
    let place = if on_postgres {
        Place::postgres_with_tables().await
    } else {
        Place::sqlite_with_tables().await
    };
    let differences = player::play(vector, catalog, place.clone()).await;
    place.clear().await;
    differences
}

fn said(panic: &(dyn Any + Send)) -> String {
    panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "it panicked".to_owned())
}

#[test]
fn every_vector_holds_on_sqlite() {
    all_pass(false);
}

#[test]
fn every_vector_holds_on_postgres() {
    all_pass(true);
}

#[test]
fn the_files_are_well_formed() {
    let manual = fs::read_to_string(folder().join("README.md")).unwrap();
    let mut names = BTreeSet::new();
    for (file, document) in documents() {
        assert_eq!(document.format, 1, "{file}");
        assert!(!document.about.is_empty(), "{file} does not say what it is about");
        assert!(manual.contains(&format!("`{file}`")), "the README does not list {file}");
        for vector in document.vectors {
            let name = vector.name;
            assert!(!vector.source.is_empty(), "{name}");
            let known = vector.catalog.is_none_or(|one| document.catalogs.contains_key(&one));
            assert!(known, "{name}: no such catalog");
            let mut now = instant(&vector.start);
            for step in &vector.steps {
                assert!(now <= instant(&step.at), "{name}: time only moves forward");
                now = instant(&step.at);
                let does = step.action.is_some();
                assert!(does != step.expect.is_some(), "{name}: a step does or expects");
                assert!(does || step.answer.is_empty(), "{name}: an answer to nothing");
                let known = step.reader.is_empty() || vector.readers.contains_key(&step.reader);
                assert!(known, "{name}: no reader {}", step.reader);
            }
            let looks = vector.steps.iter().any(|step| step.expect.is_some());
            assert!(looks, "{name} expects nothing");
            assert!(names.insert(name.clone()), "{name} is there twice");
        }
    }
    assert!(names.len() >= 150, "{} vectors", names.len());
}

/// They were not written by hand, and not by this engine.
#[test]
fn the_oracle_computes_what_the_files_say() {
    let oracle = folder().join("oracle.py");
    let run = Command::new("python3").arg("-B").arg(oracle).arg("--check").output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}
