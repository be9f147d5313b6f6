//! Why a command that scripts use was refused: in words, or as JSON, and by its exit code.

use std::{fmt, io::Write, process::ExitCode};

use super::Failure;
use crate::http::problem::ApiError;

/// A refusal, as the API would word it.
#[derive(Debug)]
pub(super) struct Complaint {
    error: ApiError,
    /// Whether it is printed as JSON.
    json: bool,
}

impl Complaint {
    /// Of a command that prints `json` or not.
    pub(super) fn of(error: impl Into<ApiError>, json: bool) -> Failure {
        Box::new(Self { error: error.into(), json })
    }

    /// What the process ends with: 3, there is no such thing; 4, it cannot be as it stands; 5, a
    /// value is not as it must be; 1, something failed on our side. 2 is for unknown arguments.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.error.problem().status {
            404 => 3,
            402 | 409 => 4,
            400 | 422 => 5,
            _ => 1,
        })
    }

    /// Prints it: JSON where answers are printed, words where complaints are.
    pub(super) fn print(&self, out: &mut impl Write, err: &mut impl Write) {
        let _ = if self.json {
            let problem = serde_json::to_string_pretty(&self.error.problem());
            writeln!(out, "{}", problem.unwrap_or_default())
        } else {
            writeln!(err, "pressgate: {self}")
        };
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            ApiError::NotFound => f.write_str("there is no such thing")?,
            ApiError::Internal(cause) | ApiError::DatabaseUnavailable(cause) => {
                write!(f, "{cause}")?;
            }
            error => write!(f, "{error}")?,
        }
        for field in self.error.problem().errors {
            write!(f, "; {}: {}", field.field, field.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for Complaint {}
