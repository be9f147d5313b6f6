//! Dates and money as CLDR says that they are written. Pure.

use icu_datetime::{
    DateTimeFormatter,
    fieldsets::{T, YMD},
    input::{Date, Time},
};
use icu_decimal::input::Decimal;
use icu_experimental::dimension::currency::{
    CurrencyType,
    formatter::{CurrencyFormatter, CurrencyFormatterPreferences},
    options::CurrencyFormatterOptions,
};
use jiff::{civil, tz::TimeZone};

use super::model::Language;
use crate::{clock::Timestamp, money::Money};

/// The day that `at` falls on in `zone`, in words.
pub(super) fn day(language: Language, at: Timestamp, zone: &TimeZone) -> String {
    let (local, _) = local(at, zone);
    let [month, day] = parts([local.month(), local.day()]);
    let written = DateTimeFormatter::try_new(language.calendar_locale().into(), YMD::long())
        .ok()
        .zip(Date::try_new_iso(local.year().into(), month, day).ok())
        .map(|(formatter, date)| formatter.format(&date).to_string());
    // Both are known for every day that there is; a plain date is better than none.
    written.unwrap_or_else(|| local.date().to_string())
}

/// The time of day in `zone`, to the second, and what the zone is called then.
pub(super) fn time(language: Language, at: Timestamp, zone: &TimeZone) -> (String, String) {
    let (local, zone_name) = local(at, zone);
    let [hour, minute, second] = parts([local.hour(), local.minute(), local.second()]);
    let written = DateTimeFormatter::try_new(language.calendar_locale().into(), T::hms())
        .ok()
        .zip(Time::try_new(hour, minute, second, 0).ok())
        .map(|(formatter, time)| formatter.format(&time).to_string());
    (written.unwrap_or_else(|| local.time().to_string()), zone_name)
}

/// An amount with its currency.
pub(super) fn money(language: Language, money: Money) -> String {
    let written = || {
        let currency: CurrencyType = money.currency.code().parse().ok()?;
        let preferences = CurrencyFormatterPreferences::from(&language.locale());
        let formatter = CurrencyFormatter::try_new_symbol(
            preferences,
            currency,
            CurrencyFormatterOptions::default(),
        )
        .ok()?;
        let digits = money.currency.exponent().unwrap_or(0);
        let mut amount = Decimal::from(money.amount);
        amount.multiply_pow10(-i16::try_from(digits).ok()?);
        Some(formatter.format_fixed_decimal(&amount).to_string())
    };
    written().unwrap_or_else(|| money.to_string())
}

fn local(at: Timestamp, zone: &TimeZone) -> (civil::DateTime, String) {
    let instant =
        jiff::Timestamp::from_microsecond(at.micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let info = zone.to_offset_info(instant);
    (info.offset().to_datetime(instant), info.abbreviation().to_owned())
}

fn parts<const N: usize>(parts: [i8; N]) -> [u8; N] {
    // None of them is ever below 0.
    parts.map(|part| u8::try_from(part).unwrap_or(0))
}
