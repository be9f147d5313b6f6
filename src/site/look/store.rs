//! Looks and logos in the database.

use std::collections::HashMap;

use super::{
    logo::{Logo, LogoTag, Picture},
    model::{Accent, Font, Look},
};
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
    language::Language,
};

#[derive(sqlx::FromRow)]
struct LookRow {
    id: String,
    accent: Option<String>,
    accent_dark: Option<String>,
    font: Option<String>,
    language: Option<String>,
    media_type: Option<String>,
    version: Option<String>,
}

/// The look of every site, by its id.
///
/// # Errors
/// When the database fails or a row is corrupt.
pub async fn list(tx: &mut Tx) -> Result<HashMap<String, Look>, StoreError> {
    let rows: Vec<LookRow> = tx
        .query(
            "SELECT sites.id, accent, accent_dark, font, language, media_type, version
             FROM sites LEFT JOIN site_logos ON site_logos.site_id = sites.id
             ORDER BY sites.id LIMIT 10000",
        )
        .all()
        .await?;
    rows.into_iter().map(LookRow::look).collect()
}

impl LookRow {
    fn look(self) -> Result<(String, Look), StoreError> {
        let Self { id, accent, accent_dark, font, language, media_type, version } = self;
        let corrupt = |column| StoreError::Corrupt { table: "sites", column, id: id.clone() };
        let color = |text: Option<String>, column| {
            text.map(|text| text.parse().map_err(|_| corrupt(column))).transpose()
        };
        let accent = match (color(accent, "accent")?, color(accent_dark, "accent_dark")?) {
            (Some(light), dark) => Some(Accent { light, dark }),
            (None, None) => None,
            (None, Some(_)) => return Err(corrupt("accent_dark")),
        };
        let font =
            font.map(|text| Font::parse(&text).ok_or_else(|| corrupt("font"))).transpose()?;
        let language = language
            .map(|tag| Language::parse(&tag).ok_or_else(|| corrupt("language")))
            .transpose()?;
        let logo = match (media_type, version) {
            (Some(text), Some(version)) => {
                let picture = Picture::parse(&text).ok_or_else(|| {
                    let (table, column) = ("site_logos", "media_type");
                    StoreError::Corrupt { table, column, id: id.clone() }
                })?;
                Some(LogoTag { picture, version })
            }
            _ => None,
        };
        Ok((id, Look { accent, font: font.unwrap_or_default(), language, logo }))
    }
}

/// Gives the site `id` another look, but for its logo. Says whether there is such a site.
///
/// # Errors
/// When the database fails.
pub async fn set(tx: &mut Tx, id: &str, look: &Look) -> Result<bool, StoreError> {
    let accent = look.accent.map(|accent| accent.light.to_string());
    let accent_dark = look.accent.and_then(|accent| accent.dark).map(|dark| dark.to_string());
    let changed = tx
        .query(
            "UPDATE sites SET accent = $1, accent_dark = $2, font = $3, language = $4
             WHERE id = $5",
        )
        .bind(accent)
        .bind(accent_dark)
        .bind(look.font.as_str())
        .bind(look.language.map(Language::tag))
        .bind(id)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Gives the site `id` this logo.
///
/// # Errors
/// When the database fails, or there is no such site.
pub async fn set_logo(
    tx: &mut Tx,
    id: &str,
    logo: &Logo,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO site_logos (site_id, media_type, version, bytes, created_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (site_id) DO UPDATE SET media_type = excluded.media_type,
             version = excluded.version, bytes = excluded.bytes, created_at = excluded.created_at",
    )
    .bind(id)
    .bind(logo.picture.media_type())
    .bind(logo.tag().version)
    .bind(logo.bytes.clone())
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Takes the logo of the site `id` away, if it has one.
///
/// # Errors
/// When the database fails.
pub async fn remove_logo(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    tx.query("DELETE FROM site_logos WHERE site_id = $1").bind(id).execute().await?;
    Ok(())
}

/// The logo of the site `id`.
///
/// # Errors
/// When the database fails or the row is corrupt.
pub async fn find_logo(tx: &mut Tx, id: &str) -> Result<Option<Logo>, StoreError> {
    let row: Option<(String, Vec<u8>)> = tx
        .query("SELECT media_type, bytes FROM site_logos WHERE site_id = $1")
        .bind(id)
        .optional()
        .await?;
    let Some((media_type, bytes)) = row else { return Ok(None) };
    let picture = Picture::parse(&media_type).ok_or_else(|| StoreError::Corrupt {
        table: "site_logos",
        column: "media_type",
        id: id.to_owned(),
    })?;
    Ok(Some(Logo { picture, bytes }))
}
