//! Strip plots: a line for each of some things, two kinds of dots on it, on a logarithmic axis.

use plotters::element::{Circle, PathElement};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color as _, RGBColor};

use super::canvas::{Area, Drawn, INK, PREDICTED, TRUE, at, document, font, legend, stroke, text, units};

const GRID: RGBColor = RGBColor(228, 228, 228);
/// Pixels of a line, of a panel without names, of the names.
const LINE: f64 = 17.0;
const PANEL: f64 = 270.0;
const NAMES: f64 = 150.0;

/// One panel: its heading, and for each line the positive numbers drawn in orange and in blue.
pub(super) struct Strips<'a> {
    pub(super) heading: &'a str,
    pub(super) lines: Vec<[Vec<f64>; 2]>,
}

/// Panels side by side, their lines named on the left, as an SVG document. `decades` are the ends of the axis, powers of
/// ten; numbers beyond stand at the ends.
pub(super) fn strips(
    title: &str,
    entries: [&str; 2],
    names: &[String],
    panels: &[Strips<'_>],
    decades: (i32, i32),
) -> String {
    let height = LINE * names.len() as f64 + 96.0;
    let width = NAMES + PANEL * panels.len() as f64 + 20.0;
    document((width, height), |page| {
        text(page, title, (16.0, 20.0), font(15.0).bold(), HPos::Left)?;
        legend(page, width - 16.0, 20.0, entries)?;
        for (k, name) in names.iter().enumerate() {
            text(page, name, (NAMES - 8.0, line_at(k)), font(11.5), HPos::Right)?;
        }
        for (p, panel) in panels.iter().enumerate() {
            let left = NAMES + PANEL * p as f64;
            draw(page, panel, left, decades)?;
        }
        Ok(())
    })
}

fn line_at(k: usize) -> f64 {
    76.0 + LINE * k as f64
}

fn draw(page: &Area<'_>, panel: &Strips<'_>, left: f64, (low, high): (i32, i32)) -> Drawn {
    let (top, bottom) = (60.0, line_at(panel.lines.len().max(1) - 1) + 12.0);
    let room = PANEL - 36.0;
    let place = |x: f64| {
        let share = (x.max(f64::MIN_POSITIVE).log10() - f64::from(low)) / f64::from(high - low);
        // What is not a number is as bad as can be.
        left + room * if share.is_nan() { 1.0 } else { share.clamp(0.0, 1.0) }
    };
    text(page, panel.heading, (left + 0.5 * room, 46.0), font(12.5), HPos::Center)?;
    for decade in low..=high {
        let x = place(10.0_f64.powi(decade));
        page.draw(&PathElement::new(vec![at((x, top)), at((x, bottom))], stroke(GRID, 0.8)))?;
        // No more labels than fit side by side.
        if high - low < 8 || (decade - low) % 2 == 0 {
            text(page, &format!("1e{decade}"), (x, bottom + 10.0), font(9.5), HPos::Center)?;
        }
    }
    for (k, kinds) in panel.lines.iter().enumerate() {
        let y = line_at(k);
        page.draw(&PathElement::new(vec![at((left, y)), at((left + room, y))], stroke(GRID, 0.8)))?;
        for (values, colour) in kinds.iter().zip([TRUE, PREDICTED]) {
            for value in values {
                page.draw(&Circle::new(at((place(*value), y)), units(3.0), colour.mix(0.75).filled()))?;
            }
        }
    }
    page.draw(&PathElement::new(vec![at((left, top)), at((left, bottom))], stroke(INK, 0.8)))
}

#[cfg(test)]
mod tests {
    use super::{Strips, strips};

    #[test]
    fn every_number_has_its_dot_also_odd_ones() {
        let lines = vec![[vec![1e-3, 1e-1], vec![1e-5]], [vec![f64::NAN, f64::INFINITY, 0.0], vec![]]];
        let names = ["first".to_owned(), "second".to_owned()];
        let svg = strips("Title", ["a", "b"], &names, &[Strips { heading: "Values", lines }], (-6, 1));
        assert_eq!(svg.matches("<circle").count(), 6 + 2, "six numbers, two in the legend");
        assert!(["Title", "first", "second", "Values", "1e-6"].iter().all(|words| svg.contains(words)));
    }
}
