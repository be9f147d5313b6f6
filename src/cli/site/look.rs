//! `pressgate site look`: how the readers' pages of a site look.

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::json;

use super::{SiteChange, print};
use crate::{
    audit::model::Action,
    cli::Failure,
    clock::{Clock, SystemClock},
    db::Tx,
    language::Language,
    site::{
        look::{
            color::Color,
            logo::{InvalidLogo, LOGO_MAX, Logo},
            model::{Accent, Font, Look},
            store,
        },
        store::SiteStoreError,
    },
};

#[derive(Debug, Args)]
pub(in crate::cli) struct SiteLook {
    /// The site's id.
    id: String,
    /// The color of links and buttons, such as `#1a4f8b`. Readers must be able to read it.
    #[arg(long, value_name = "COLOR")]
    accent: Option<Color>,
    /// The same on dark pages; without it, one is made of `--accent`.
    #[arg(long, value_name = "COLOR", requires = "accent")]
    accent_dark: Option<Color>,
    /// A picture in SVG, PNG or WebP, of at most 64 KiB, which takes the place of the name.
    #[arg(long, value_name = "FILE", conflicts_with = "no_logo")]
    logo: Option<PathBuf>,
    /// Show the name instead of a logo.
    #[arg(long)]
    no_logo: bool,
    /// The type of headings.
    #[arg(long)]
    font: Option<Font>,
    /// The only language that the site speaks, `en` or `fr`; or `any`, the reader's own.
    #[arg(long, value_parser = spoken, value_name = "LANGUAGE")]
    language: Option<Spoken>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What a site speaks.
#[derive(Debug, Clone, Copy)]
enum Spoken {
    /// The language of each reader.
    Any,
    /// One language only.
    Only(Language),
}

fn spoken(text: &str) -> Result<Spoken, String> {
    if text == "any" {
        return Ok(Spoken::Any);
    }
    let tags = Language::ALL.map(Language::tag).join("`, `");
    Language::parse(text).map(Spoken::Only).ok_or_else(|| format!("must be `{tags}` or `any`"))
}

/// Changes what was asked for, and shows the look.
pub(super) async fn run(
    tx: &mut Tx,
    asked: SiteLook,
    out: &mut impl Write,
) -> Result<Option<SiteChange>, Failure> {
    let id = asked.id;
    let missing = || SiteStoreError::NoSuchSite(id.clone());
    let mut look = store::list(tx).await?.remove(&id).ok_or_else(missing)?;
    let before = look.clone();
    if let Some(light) = asked.accent {
        look.accent = Some(Accent { light, dark: asked.accent_dark }.checked()?);
    }
    look.font = asked.font.unwrap_or(look.font);
    look.language = match asked.language {
        None => look.language,
        Some(Spoken::Any) => None,
        Some(Spoken::Only(language)) => Some(language),
    };
    if look != before && !store::set(tx, &id, &look).await? {
        return Err(missing().into());
    }
    if let Some(file) = &asked.logo {
        let logo = read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        store::set_logo(tx, &id, &logo, SystemClock::default().now()).await?;
        look.logo = Some(logo.tag());
    }
    if asked.no_logo {
        store::remove_logo(tx, &id).await?;
        look.logo = None;
    }
    let shown = shown(&id, &look);
    print(out, asked.json, &shown, || described(&id, &look))?;
    let is_changed = look != before || asked.logo.is_some() || asked.no_logo;
    Ok(is_changed
        .then(|| SiteChange { after: shown, ..SiteChange::new(Action::SiteLookChanged, id) }))
}

/// No more of a file than a logo may have, and a byte that shows that it has more.
fn read(file: &Path) -> Result<Logo, Failure> {
    let mut bytes = Vec::new();
    let most = u64::try_from(LOGO_MAX)? + 1;
    let file = File::open(file)?;
    let length = file.metadata()?.len();
    file.take(most).read_to_end(&mut bytes)?;
    Logo::read(bytes).map_err(|error| match error {
        InvalidLogo::TooLarge(read) => {
            InvalidLogo::TooLarge(usize::try_from(length).unwrap_or(read)).into()
        }
        InvalidLogo::NoPicture => error.into(),
    })
}

fn shown(id: &str, look: &Look) -> serde_json::Value {
    let (accent, accent_dark) = look.accents();
    json!({
        "site": id, "accent": accent.to_string(), "accent_dark": accent_dark.to_string(),
        "font": look.font.as_str(), "language": look.language.map(Language::tag),
        "logo": look.logo.as_ref().map(|logo| logo.picture.media_type()),
    })
}

fn described(id: &str, look: &Look) -> String {
    let (accent, accent_dark) = look.accents();
    format!(
        "`{id}`\n  accent    {accent}, {accent_dark} on dark pages\n  font      {}\n  language  {}\n  \
         logo      {}",
        look.font.as_str(),
        look.language.map_or("the reader's own", Language::tag),
        look.logo.as_ref().map_or("none: its name is shown", |logo| logo.picture.media_type())
    )
}
