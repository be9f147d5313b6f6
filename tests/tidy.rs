//! Rules of the house that no compiler checks.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const LINES_MAX: usize = 500;
/// The files that put SQL together: rows and statements that belong together, as text with numbers,
/// and the names of tables as SQLite's own schema gives them.
const BUILD_SQL: [&str; 3] =
    ["src/db/file_copy.rs", "src/db/tx.rs", "src/metering/store/sqlite.rs"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_below(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files.sort();
    files
}

/// Every file of Rust in `src/`, by its path from the root.
fn sources() -> Vec<(String, String)> {
    let rust = files_below(&root().join("src"));
    rust.iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

fn names_in(folder: &str) -> BTreeSet<String> {
    files_below(&root().join("migrations").join(folder))
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_migration_has_its_twin() {
    let postgres = names_in("postgres");
    let (main, meter) = (names_in("sqlite"), names_in("sqlite-meter"));
    assert!(main.is_disjoint(&meter), "each in one of SQLite's two files");
    assert_eq!(postgres, main.union(&meter).cloned().collect());
    let numbers: Vec<String> = postgres.iter().map(|name| name.chars().take(4).collect()).collect();
    let expected: Vec<String> = (1..=postgres.len()).map(|i| format!("{i:04}")).collect();
    assert_eq!(numbers, expected, "numbered without gaps");
}

/// Pages are turned round for languages that are written from right to left.
#[test]
fn style_sheets_know_no_left_and_no_right() {
    let files = files_below(&root().join("src"));
    for path in files.iter().filter(|path| path.extension().is_some_and(|it| it == "css")) {
        let text = fs::read_to_string(path).unwrap();
        for declaration in text.split(['{', '}', ';']) {
            let Some((name, value)) = declaration.split_once(':') else { continue };
            let (name, value) = (name.trim(), value.trim());
            let sides = ["left", "right"];
            let is_physical = name == "float"
                || sides.iter().any(|side| name == *side || name.ends_with(&format!("-{side}")))
                || (name == "text-align" && sides.contains(&value));
            assert!(!is_physical, "{}: {name}: {value}", path.display());
        }
    }
}

#[test]
fn no_file_is_too_long() {
    let too_long: Vec<String> = sources()
        .iter()
        .filter(|(_, text)| text.lines().count() > LINES_MAX)
        .map(|(name, text)| format!("{name}: {} lines", text.lines().count()))
        .collect();
    assert!(too_long.is_empty(), "over {LINES_MAX} lines: {too_long:#?}");
}

#[test]
fn sql_is_put_together_in_few_places_only() {
    for (name, text) in sources().iter().filter(|(name, _)| !BUILD_SQL.contains(&name.as_str())) {
        assert!(!text.contains("AssertSqlSafe"), "{name} runs SQL that is not fixed text");
        let verbs = ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM "];
        for (i, _) in text.match_indices("format!(") {
            let text: String = text.chars().skip(text[..i].chars().count()).take(200).collect();
            let argument = text.split(';').next().unwrap();
            let has_sql = verbs.iter().any(|verb| argument.contains(&format!("\"{verb}")));
            assert!(!has_sql, "{name} formats SQL: {argument}");
        }
    }
}

#[test]
fn every_module_says_what_it_is() {
    for (name, text) in sources() {
        assert!(text.starts_with("//! "), "{name} does not begin with its own description");
    }
}

#[test]
fn every_setting_has_its_explanation() {
    let manual = fs::read_to_string(root().join("config/default.toml")).unwrap();
    let mut explained = false;
    for line in manual.lines() {
        let is_setting = line.contains(" = ") && !line.starts_with('#');
        assert!(explained || !is_setting, "no comment above `{line}`");
        // Settings in a row may share one comment; an empty line ends what it is about.
        explained = line.starts_with('#') || (is_setting && explained);
    }
}

#[test]
fn the_ports_of_the_container_are_open_outside_it() {
    let text = fs::read_to_string(root().join("Dockerfile")).unwrap();
    let exposed = text.lines().find_map(|line| line.strip_prefix("EXPOSE ")).unwrap();
    for port in exposed.split_whitespace() {
        assert!(text.contains(&format!("__LISTEN=0.0.0.0:{port}")), "nothing listens on {port}");
    }
}

#[test]
fn queues_have_bounds_and_nothing_waits_by_blocking() {
    for (name, text) in sources() {
        for word in ["unbounded_channel", "std::thread::sleep", "thread::sleep("] {
            assert!(!text.contains(word), "{name} uses {word}");
        }
    }
}

/// Where a test lives that `docs/security.md` names, and what it is called (empty: the whole file).
fn place_of(name: &str) -> Option<(String, &str)> {
    let (file, test) = name.split_once("::").filter(|(_, test)| !test.is_empty())?;
    Some(match file {
        "process" => {
            let (file, test) = test.split_once("::").unwrap_or((test, ""));
            (format!("tests/process/{file}.rs"), test)
        }
        _ if file.starts_with("src/") => (file.to_owned(), test),
        _ => (format!("tests/api/{file}.rs"), test),
    })
}

#[test]
fn every_test_that_the_security_tables_name_is_there() {
    let tables = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let mut named = 0;
    for name in tables.split('`').skip(1).step_by(2) {
        let Some((file, test)) = place_of(name) else { continue };
        let content = fs::read_to_string(root().join(&file)).unwrap_or_default();
        let is_there = test.is_empty() || content.contains(&format!("fn {test}("));
        assert!(!content.is_empty() && is_there, "there is no test `{name}`");
        named += 1;
    }
    assert!(named > 150, "{named}");
}

/// A promise must be readable without any other list: a sentence, and what proves it.
#[test]
fn every_promise_of_the_security_page_is_a_sentence_with_its_test() {
    let page = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [promise, test] = cells.as_slice() else { panic!("not two cells: {row}") };
        let is_header = *test == "Test";
        let is_proved = test.contains('`') || *test == "no code does this";
        assert!(is_header || is_proved, "no test: {row}");
        assert!(is_header || promise.split(' ').count() >= 4, "not a sentence: {row}");
    }
}

/// Files that read nothing from outside, only what is compiled in.
const READ_COMPILED_IN: [&str; 2] = ["src/billing/notice/parse.rs", "src/demo/newspaper.rs"];

/// Serde reads these into a buffer of its own, where `http::strict` cannot look.
#[test]
fn nothing_that_is_read_bypasses_the_strict_deserializer() {
    let outside = |name: &str| !READ_COMPILED_IN.contains(&name);
    for (name, text) in sources().into_iter().filter(|(name, _)| outside(name)) {
        for item in text.split("#[derive(").skip(1) {
            let (derived, body) = item.split_once(")]").unwrap();
            let is_read = derived.split(',').any(|it| it.trim() == "Deserialize");
            let hides = ["serde(untagged", "serde(tag", "serde(flatten", ", flatten"];
            let hidden = hides.iter().find(|it| body.contains(**it));
            assert!(!is_read || hidden.is_none(), "{name} reads by `{}`", hidden.unwrap());
        }
    }
}
