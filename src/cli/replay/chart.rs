//! The result as a picture: how the wall comes down as the limit goes up.

use std::fmt::Write;

use plotters::{
    coord::{Shift, types::RangedCoordf64},
    prelude::*,
};

use super::{
    report::{Report, share, thousands},
    simulate::LimitOutcome,
};

const SIZE: (u32, u32) = (960, 560);
const FONT: &str = "sans-serif";
/// Two of the colours that Okabe and Ito chose so that nearly everyone can tell them apart.
const VISITORS: RGBColor = RGBColor(0, 114, 178);
const READS: RGBColor = RGBColor(213, 94, 0);
const INK: RGBColor = RGBColor(34, 34, 34);
const FAINT: RGBColor = RGBColor(225, 225, 225);
/// More points than this get no percentage of their own.
const LABELS_MAX: usize = 12;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Plot<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type DrawError<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;

/// The picture as SVG.
///
/// # Errors
/// When a part cannot be drawn; drawing into memory, none is known.
pub fn draw(report: &Report) -> Result<String, DrawError<'static>> {
    let mut svg = String::new();
    draw_into(report, &mut svg)?;
    Ok(svg)
}

fn draw_into(report: &Report, svg: &mut String) -> Result<(), DrawError<'static>> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    titles(&area, report)?;

    let rows = &report.outcome.limits;
    let walled: Vec<_> = points(rows, |row| share(row.visitors_walled, report.outcome.visitors));
    let denied: Vec<_> = points(rows, |row| share(row.reads_denied, report.totals.reads));
    let highest = walled.iter().chain(&denied).map(|(_, percent)| *percent).fold(0.0, f64::max);
    let (first, last) = match (walled.first(), walled.last()) {
        (Some((first, _)), Some((last, _))) => (*first, *last),
        _ => (1.0, 1.0),
    };
    let decimals = usize::from(highest < 5.0);
    let margin = ((last - first) * 0.06).max(0.5);
    let mut plot = ChartBuilder::on(&area)
        .margin_top(104)
        .margin_right(28)
        .margin_bottom(12)
        .margin_left(12)
        .x_label_area_size(56)
        .y_label_area_size(72)
        .build_cartesian_2d(first - margin..last + margin, 0.0..top(highest))?;
    plot.configure_mesh()
        .disable_x_mesh()
        .bold_line_style(FAINT)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .x_labels(rows.len().clamp(2, 12))
        .y_labels(6)
        .x_label_formatter(&|limit| whole(*limit))
        .y_label_formatter(&|percent| format!("{percent:.decimals$} %"))
        .x_desc("Articles free in one window (the limit)")
        .y_desc("Share of all")
        .label_style((FONT, 18).into_font().color(&INK))
        .axis_desc_style((FONT, 19).into_font().color(&INK))
        .draw()?;
    line(&mut plot, &walled, VISITORS)?;
    line(&mut plot, &denied, READS)?;
    area.present()
}

fn titles(area: &Area<'_>, report: &Report) -> Result<(), DrawError<'static>> {
    let title = format!("Who would meet the paywall of {}?", report.source.site);
    area.draw_text(&title, &(FONT, 30).into_font().color(&INK).into_text_style(area), (20, 18))?;
    let (visitors, reads) = (report.outcome.visitors, report.totals.reads);
    let (visitors, reads) = (thousands(visitors), thousands(reads));
    let mut what = format!("{reads} reads by {visitors} visitors, window {}", report.source.window);
    if let Some((first, last)) = report.period() {
        let _ = write!(what, ", from {first} to {last}");
    }
    area.draw_text(&what, &(FONT, 19).into_font().color(&INK).into_text_style(area), (20, 50))?;
    for (left, colour, text) in [
        (20, VISITORS, "visitors who meet the wall, of all visitors"),
        (430, READS, "reads denied, of all reads"),
    ] {
        area.draw(&Circle::new((left + 7, 87), 6, colour.filled()))?;
        let style = (FONT, 19).into_font().color(&colour).into_text_style(area);
        area.draw_text(text, &style, (left + 20, 80))?;
    }
    Ok(())
}

fn line(
    plot: &mut Plot<'_, '_>,
    points: &[(f64, f64)],
    colour: RGBColor,
) -> Result<(), DrawError<'static>> {
    plot.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(3)))?;
    let dot = |point: &(f64, f64)| Circle::new(*point, 5, colour.filled());
    plot.draw_series(points.iter().map(dot))?;
    if points.len() > LABELS_MAX {
        return Ok(());
    }
    let style = (FONT, 17).into_font().color(&colour);
    // Both lines fall to the right, so there is room above and to the right of every point.
    let offset = (4, -20);
    plot.draw_series(points.iter().map(|(limit, percent)| {
        let label = Text::new(format!("{percent:.1}"), offset, style.clone());
        EmptyElement::at((*limit, *percent)) + label
    }))?;
    Ok(())
}

fn points(rows: &[LimitOutcome], share: impl Fn(&LimitOutcome) -> f64) -> Vec<(f64, f64)> {
    rows.iter().map(|row| (f64::from(row.limit), share(row) * 100.0)).collect()
}

/// A little above the highest point, at least 1 %, so that the axis never has no length.
fn top(highest: f64) -> f64 {
    (highest * 1.15).clamp(1.0, 110.0)
}

/// The axis may propose places between two limits; these get no number.
fn whole(limit: f64) -> String {
    if (limit - limit.round()).abs() < 1e-6 { format!("{limit:.0}") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::cli::replay::{report::Source, sieve::Totals, simulate::Outcome};

    fn svg(limits: impl Iterator<Item = u32>, reads: u64) -> String {
        let row = |limit: u32| LimitOutcome {
            limit,
            visitors_walled: reads / 2 / u64::from(limit),
            reads_counted: 0,
            reads_repeated: 0,
            reads_denied: reads / u64::from(limit + 1),
        };
        let report = Report {
            source: Source {
                file: "access.log".to_owned(),
                site: "a<b".to_owned(),
                window: "P30D".parse().unwrap(),
                time_zone: TimeZone::UTC,
            },
            totals: Totals { reads, ..Totals::default() },
            outcome: Outcome {
                visitors: reads,
                limits: limits.map(row).collect(),
                days: Vec::new(),
            },
        };
        draw(&report).unwrap()
    }

    #[test]
    fn it_says_what_it_shows_and_escapes_what_it_was_given() {
        let picture = svg(1..=10, 1_234);
        for text in ["a&lt;b", "1,234 reads by 1,234 visitors, window P30D", "50.0", "(the limit)"]
        {
            assert!(picture.contains(text), "{text}");
        }
        assert_eq!(picture.matches("<circle").count(), 2 + 20);
    }

    #[test]
    fn one_limit_a_thousand_or_an_empty_log_draw_too() {
        for picture in [svg(3..=3, 10), svg(1..=1_000, 10), svg(1..=10, 0)] {
            assert!(picture.trim_end().ends_with("</svg>"));
            assert!(!picture.contains("NaN"));
        }
    }
}
