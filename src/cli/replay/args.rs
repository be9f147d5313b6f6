//! What may be said on the command line.

use std::path::PathBuf;

use clap::builder::{NonEmptyStringValueParser, TypedValueParser};
use globset::Glob;
use jiff::tz::TimeZone;
use reqwest::Url;
use secrecy::SecretString;

use super::{
    Limits, ReplayError, Sieve,
    against::Load,
    bots::Bots,
    input::STDIN,
    views::{ASSETS, PageViews, pattern},
};
use crate::metering::window::WindowSpec;

/// Says what each limit would have meant for the visitors in an access log.
///
/// A visitor is one address with one agent. A read is a page view: a GET answered with 200 or 304
/// whose path ends in no extension of --assets. The article is the path, without the query, the
/// fragment and a last `index.html`. Lines that cannot be read are counted and shown, never fatal.
#[derive(Debug, Clone, clap::Args)]
pub struct ReplayArgs {
    /// The access log in the Common or Combined format, plain or gzip; `-` reads standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// The site whose articles they are.
    #[arg(long, value_name = "ID", default_value = "demo")]
    pub site: String,

    /// One limit or a range with both its ends [default: 1..10]
    ///
    /// With --against, the limit that the service should have; without one, every answer must
    /// only name the same limit as the first.
    #[arg(long, value_name = "N or A..B")]
    pub limit: Option<Limits>,

    /// How long a count lasts: `day`, `week`, `month`, or a time from the first read, as `P30D`.
    #[arg(long, value_name = "WINDOW", default_value = "P30D")]
    pub window: WindowSpec,

    /// The time zone of days, weeks and months.
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = TimeZone::get)]
    pub time_zone: TimeZone,

    /// Only paths that match, such as `/articles/**`; may be given several times.
    ///
    /// `*` stays within one segment of the path, `**` does not.
    #[arg(long, value_name = "PATTERN", value_parser = pattern)]
    pub include: Vec<Glob>,

    /// No paths that match, such as `/` for the front page; may be given several times.
    #[arg(long, value_name = "PATTERN", value_parser = pattern)]
    pub exclude: Vec<Glob>,

    /// Extensions of paths that are no pages.
    #[arg(long, value_name = "EXT,…", value_delimiter = ',', default_value = ASSETS)]
    pub assets: Vec<String>,

    /// Count programs that say so in their agent like people.
    #[arg(long)]
    pub keep_bots: bool,

    /// Write JSON instead of a table.
    #[arg(long)]
    pub json: bool,

    /// Also draw a picture into this file.
    #[arg(long, value_name = "FILE", conflicts_with = "against")]
    pub svg: Option<PathBuf>,

    /// Send the reads to the service at this address and check every answer.
    ///
    /// All reads then happen now, in the order of the log. The check holds where that is one
    /// window: the service's must be longer than the log's time and must not end during the run.
    #[arg(long, value_name = "URL", requires = "key")]
    pub against: Option<Url>,

    /// The site's secret key.
    #[arg(
        long, value_name = "sk_…", requires = "against",
        env = "PRESSGATE_SITE_KEY", hide_env_values = true,
        value_parser = NonEmptyStringValueParser::new().map(SecretString::from)
    )]
    pub key: Option<SecretString>,

    /// How many requests are under way at once; one visitor's are sent one after the other.
    #[arg(
        long, value_name = "N", default_value_t = 16, requires = "against",
        value_parser = clap::value_parser!(u16).range(1..=1_024)
    )]
    pub connections: u16,
}

impl ReplayArgs {
    /// What the log is called in reports.
    pub(super) fn log_name(&self) -> String {
        let name = self.file.display().to_string();
        if name == STDIN { "standard input".to_owned() } else { name }
    }

    pub(super) fn sieve(&self) -> Result<Sieve, ReplayError> {
        let views = PageViews::new(&self.include, &self.exclude, &self.assets)?;
        let bots = if self.keep_bots { None } else { Some(Bots::new()?) };
        Ok(Sieve::new(views, bots))
    }

    pub(super) fn load(&self) -> Result<Option<Load>, ReplayError> {
        let (Some(address), Some(key)) = (&self.against, &self.key) else {
            return Ok(None);
        };
        let limit = match self.limit {
            Some(limits) => Some(limits.single().ok_or(ReplayError::LimitRange)?),
            None => None,
        };
        Load::new(address, key.clone(), limit, self.connections).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: ReplayArgs,
    }

    fn parse(words: &str) -> Result<ReplayArgs, clap::Error> {
        let words = std::iter::once("replay").chain(words.split(' '));
        Cli::try_parse_from(words).map(|cli| cli.args)
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let args = parse("access.log").unwrap();
        assert_eq!((args.site.as_str(), args.window.to_string().as_str()), ("demo", "P30D"));
        assert_eq!((args.limit, args.time_zone), (None, TimeZone::UTC));
        assert!(args.assets.iter().any(|extension| extension == "css"));
    }

    #[test]
    fn what_makes_no_sense_is_refused_before_the_log_is_opened() {
        for words in [
            "",
            "access.log --limit 0",
            "access.log --window P1M",
            "access.log --time-zone Mars/Olympus",
            "access.log --include [a",
            "access.log --against http://127.0.0.1:8080",
            "access.log --connections 4",
            "access.log --against http://127.0.0.1:8080 --key sk_x --connections 0",
            "access.log --against http://127.0.0.1:8080 --key sk_x --svg a.svg",
        ] {
            assert!(words.is_empty() || parse(words).is_err(), "{words}");
        }
        let range = parse("access.log --against http://127.0.0.1:8080 --key sk_x --limit 1..3");
        assert!(matches!(range.unwrap().load(), Err(ReplayError::LimitRange)));
    }

    #[test]
    fn the_key_is_not_printed() {
        let args = parse("a --against http://127.0.0.1:8080 --key sk_sandbox_demo").unwrap();
        assert!(!format!("{args:?}").contains("sk_sandbox_demo"));
    }
}
