//! What `pressgate doctor` reports: named checks, each with how bad it is.

use std::{io::Write, process::ExitCode};

use serde::Serialize;
use serde_json::json;

use crate::cli::Failure;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Severity {
    /// As it should be.
    Ok,
    /// Could be better, but endangers nothing by itself.
    Warning,
    /// Not as it should be; the message says what to do.
    Error,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// A stable word for programs.
    pub(super) name: &'static str,
    pub(super) severity: Severity,
    pub(super) message: String,
}

impl Check {
    pub(super) fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, severity: Severity::Ok, message: message.into() }
    }

    pub(super) fn warning(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, severity: Severity::Warning, message: message.into() }
    }

    pub(super) fn error(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, severity: Severity::Error, message: message.into() }
    }
}

/// The command fails by what it found.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(in crate::cli) struct Unwell {
    what: String,
    code: u8,
}

impl Unwell {
    pub(in crate::cli) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

/// Prints all checks, as JSON or for people.
pub(super) fn print(checks: &[Check], as_json: bool, out: &mut impl Write) -> Result<(), Failure> {
    if as_json {
        let status = checks.iter().map(|check| check.severity).max().unwrap_or(Severity::Ok);
        let report = json!({"status": status, "checks": checks});
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
        return Ok(());
    }
    for check in checks {
        let severity = match check.severity {
            Severity::Ok => "well   ",
            Severity::Warning => "warning",
            Severity::Error => "UNWELL ",
        };
        writeln!(out, "{severity} {}", check.message)?;
    }
    Ok(())
}

/// Whether the command succeeds: not with an error, nor, where `is_strict`, with a warning.
pub(super) fn verdict(checks: &[Check], is_strict: bool) -> Result<(), Unwell> {
    let count = |severity| checks.iter().filter(|check| check.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let unwell = |what, code| Err(Unwell { what, code });
    match (errors, warnings) {
        (0, 0) => Ok(()),
        (0, _) if !is_strict => Ok(()),
        (0, 1) => unwell("there is one warning".to_owned(), 2),
        (0, n) => unwell(format!("there are {n} warnings"), 2),
        (1, _) => unwell("one thing is not as it should be".to_owned(), 1),
        (n, _) => unwell(format!("{n} things are not as they should be"), 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_check_decides_the_exit_status() {
        let [ok, warning, error] =
            [Check::ok("a", "x"), Check::warning("b", "y"), Check::error("c", "z")];
        for (checks, plain, strict, status) in [
            (vec![], None, None, "ok"),
            (vec![ok.clone()], None, None, "ok"),
            (vec![ok.clone(), warning.clone()], None, Some(2), "warning"),
            (vec![warning, error, ok], Some(1), Some(1), "error"),
        ] {
            let code = |is_strict| verdict(&checks, is_strict).err().map(|unwell| unwell.code);
            assert_eq!((code(false), code(true)), (plain, strict), "{checks:?}");
            let mut printed = Vec::new();
            print(&checks, true, &mut printed).unwrap();
            let report: serde_json::Value = serde_json::from_slice(&printed).unwrap();
            assert_eq!(report["status"], status);
            assert_eq!(report["checks"].as_array().unwrap().len(), checks.len());
        }
    }
}
