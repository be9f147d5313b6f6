//! A line over days, as a picture (SVG) that is its own file: it reads on light and on dark.

use jiff::civil::Date;
use plotters::{coord::types::RangedCoordf64, prelude::*};

const SIZE: (u32, u32) = (720, 220);
const FONT: &str = "sans-serif";
/// Of the colours that Okabe and Ito chose so that nearly everyone can tell them apart.
const LINES: [RGBColor; 3] = [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115)];
/// Readable on white and on near black.
const INK: RGBColor = RGBColor(125, 128, 134);
const FAINT: RGBAColor = RGBAColor(125, 128, 134, 0.3);

type DrawError = DrawingAreaErrorKind<std::io::Error>;

/// A line and its name.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) values: Vec<f64>,
}

/// The picture of `lines` over `days`.
///
/// # Errors
/// When a part cannot be drawn; drawing into memory, none is known.
pub(super) fn draw(days: &[Date], lines: &[Line]) -> Result<String, DrawError> {
    let mut svg = String::new();
    draw_into(&mut svg, days, lines)?;
    Ok(svg)
}

fn draw_into(svg: &mut String, days: &[Date], lines: &[Line]) -> Result<(), DrawError> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let highest = lines.iter().flat_map(|line| &line.values).copied().fold(1.0, f64::max);
    // Names of lines stand above them.
    let room = if lines.len() > 1 { 1.4 } else { 1.1 };
    let last = as_number(days.len().saturating_sub(1)).max(1.0);
    let mut plot = ChartBuilder::on(&area)
        .margin(8)
        .margin_right(24)
        .x_label_area_size(28)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..last, 0.0..highest * room)?;
    grid(&mut plot, days, highest)?;
    for (line, color) in lines.iter().zip(LINES) {
        let points = line.values.iter().enumerate().map(|(place, y)| (as_number(place), *y));
        let drawn = plot.draw_series(LineSeries::new(points, color.stroke_width(2)))?;
        drawn
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
    }
    if lines.len() > 1 {
        let font = (FONT, 13).into_font().color(&INK);
        plot.configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .label_font(font)
            .draw()?;
    }
    area.present()
}

fn grid(
    plot: &mut ChartContext<'_, SVGBackend<'_>, Cartesian2d<RangedCoordf64, RangedCoordf64>>,
    days: &[Date],
    highest: f64,
) -> Result<(), DrawError> {
    // Nobody counts half a subscription.
    let steps = 2 + [1.0, 2.0, 3.0].iter().filter(|whole| **whole < highest).count();
    let value = |y: &f64| ((y * 100.0).round() / 100.0).to_string();
    let day = |x: &f64| {
        let place = days.iter().enumerate().find(|(place, _)| as_number(*place) >= x.round());
        place.map_or_else(String::new, |(_, day)| day.strftime("%-d %b").to_string())
    };
    let font = (FONT, 13).into_font().color(&INK);
    plot.configure_mesh()
        .disable_x_mesh()
        .bold_line_style(FAINT)
        .light_line_style(TRANSPARENT)
        .axis_style(FAINT)
        .x_labels(7)
        .y_labels(steps)
        .y_label_formatter(&value)
        .x_label_formatter(&day)
        .label_style(font)
        .draw()
}

fn as_number(place: usize) -> f64 {
    f64::from(u32::try_from(place).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_names_its_lines_and_writes_no_style_of_its_own() {
        let days = [Date::constant(2026, 11, 1), Date::constant(2026, 11, 2)];
        let line = |name: &str| Line { name: name.to_owned(), values: vec![1.0, 2.0] };
        let svg = draw(&days, &[line("active"), line("<script>")]).unwrap();
        for part in ["<svg", "polyline", "active", "&lt;script&gt;", "1 Nov"] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        assert!(!svg.contains("\n0.5\n") && !svg.contains("\n1.0\n"), "whole numbers: {svg}");
        assert!(svg.contains("\n1\n") && svg.contains("\n2\n"), "{svg}");
        assert!(!svg.contains("style=") && !svg.contains("<script>"), "{svg}");
        assert!(draw(&[], &[]).unwrap().contains("<svg"), "nothing is drawn too");
    }
}
