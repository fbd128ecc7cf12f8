//! The paper's picture of one network: values, deltas and gammas in three panels (Figs. 4, 6, 7, 9, 10).

use std::collections::HashSet;
use std::ops::Range;

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::types::RangedCoordf64;
use plotters::element::Circle;
use plotters::prelude::{Cartesian2d, SVGBackend};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color as _, RGBColor};

use super::canvas::{Area, Drawn, Failure, INK, PREDICTED, TRUE, UNITS, font, stroke, text, triptych, units};

/// Dots of one colour in a panel, so that a file stays within a few hundred kilobytes.
const MOST_DOTS: usize = 1500;
/// Pixels beside a panel: on its left without and its right; and what a label takes where there is one.
pub(super) const MARGINS: [f64; 2] = [46.0, 14.0];
pub(super) const LABEL: f64 = 18.0;
const EDGE: f64 = 6.0;
const GRID: RGBColor = RGBColor(228, 228, 228);

pub(super) type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// One quantity at the points of a [`Column`]: what the reference model says, what the network predicts.
///
/// # Shapes
/// Both points × k, point-major, with the same k ≥ 1: a point with several components (its deltas) has a dot for each.
#[derive(Clone, Copy, Debug)]
pub struct Panel<'a> {
    /// The reference model's.
    pub truth: &'a [f64],
    /// The network's.
    pub predicted: &'a [f64],
    /// The score that Table 2 gives.
    pub r2: f64,
}

/// One column of Table 2 as a picture.
///
/// # Examples
/// ```
/// use sobolev::cli::plot::{Column, Panel, three_panels};
///
/// let basket = [0.9, 1.0, 1.1];
/// let panel = |truth| Panel { truth, predicted: &[0.1, 0.4, 0.8], r2: 0.99 };
/// let column = Column {
///     title: "Oversized",
///     basket: &basket,
///     values: panel(&[0.1, 0.4, 0.9]),
///     deltas: panel(&[0.1, 0.4, 0.9]),
///     gammas: panel(&[0.1, 0.4, 0.9]),
/// };
/// assert!(three_panels(&column).starts_with("<svg"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    /// The picture's heading.
    pub title: &'a str,
    /// The basket's price at each point, the axis that all panels share.
    pub basket: &'a [f64],
    /// Prices.
    pub values: Panel<'a>,
    /// One for each asset at each point.
    pub deltas: Panel<'a>,
    /// `1ᵀH1`.
    pub gammas: Panel<'a>,
}

impl<'a> Column<'a> {
    /// Panics unless every panel has as many true values as predicted ones, and as many components at every point.
    #[track_caller]
    pub(super) fn check(&self) {
        for (name, _, panel) in self.panels() {
            let [truth, predicted, points] = [panel.truth.len(), panel.predicted.len(), self.basket.len()];
            assert_eq!(truth, predicted, "{name}: as many predictions as true values");
            assert!(truth.is_multiple_of(points), "{name}: {truth} are not as many at each of {points} points");
        }
    }

    /// The panels with their headings and vertical axes, in the paper's order.
    pub(super) fn panels(&self) -> [(&'static str, &'static str, Panel<'a>); 3] {
        [
            ("Values", "Value", self.values),
            ("Deltas", "Delta of each asset", self.deltas),
            ("Gammas", "Gamma", self.gammas),
        ]
    }
}

/// Values, deltas and gammas against the basket's price (Figs. 4, 6, 7, 9, 10) as an SVG document.
///
/// # Panics
/// If a panel's lengths disagree with each other or with the basket's.
#[track_caller]
pub fn three_panels(column: &Column) -> String {
    panels_over("Basket price", column)
}

/// The same over another quantity than the basket's price.
#[track_caller]
pub(super) fn panels_over(axis: &str, column: &Column) -> String {
    column.check();
    triptych(column.title, ["true", "predicted"], |i, area| {
        let (name, label, panel) = column.panels()[i];
        let axes = Axes::of(&[(column.basket, panel)]);
        scatter(area, column.basket, panel, &axes, name, [axis, label])
    })
}

/// The windows of both axes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axes {
    pub(super) x: Range<f64>,
    pub(super) y: Range<f64>,
}

impl Axes {
    /// All of the truth, and the predictions as far as half its spread beyond it: one that has gone astray must not
    /// squeeze the rest into a line.
    pub(super) fn of(panels: &[(&[f64], Panel)]) -> Self {
        let [mut x, mut truth, mut predicted] = [Span::EMPTY; 3];
        for (basket, panel) in panels {
            x = basket.iter().fold(x, Span::with);
            truth = panel.truth.iter().fold(truth, Span::with);
            predicted = panel.predicted.iter().fold(predicted, Span::with);
        }
        let slack = 0.5 * (truth.high - truth.low);
        let low = truth.low.min(predicted.low.max(truth.low - slack));
        let high = truth.high.max(predicted.high.min(truth.high + slack));
        Self { x: x.padded(), y: Span { low, high }.padded() }
    }

    fn contain(&self, (x, y): (f64, f64)) -> bool {
        self.x.contains(&x) && self.y.contains(&y)
    }
}

/// The hull of what a page can show.
#[derive(Clone, Copy)]
struct Span {
    low: f64,
    high: f64,
}

impl Span {
    const EMPTY: Self = Self { low: f64::INFINITY, high: f64::NEG_INFINITY };

    fn with(self, &x: &f64) -> Self {
        // What is neither finite nor sane has no place on an axis, whose arithmetic would overflow.
        if x.abs() < 1e100 { Self { low: self.low.min(x), high: self.high.max(x) } } else { self }
    }

    /// With air at both ends, and wide enough for ticks even when there is nothing or one value to show.
    fn padded(self) -> Range<f64> {
        if self.low > self.high {
            return 0.0..1.0;
        }
        let least = 1e-6 * self.low.abs().max(self.high.abs()).max(1e-3);
        let air = (0.05 * (self.high - self.low)).max(least);
        self.low - air..self.high + air
    }
}

/// One panel: the truth in wide dots, the prediction in narrow ones upon them, so that agreement leaves an orange rim.
pub(super) fn scatter(area: &Area, basket: &[f64], panel: Panel, axes: &Axes, name: &str, labels: [&str; 2]) -> Drawn {
    let mut title = format!("{name}, R² = {}", score(panel.r2));
    let outside = panel.predicted.iter().filter(|y| !axes.y.contains(y)).count();
    if outside > 0 {
        title += &format!(", {outside} outside");
    }
    let mut chart = frame(area, &title, labels, axes)?;
    let components = panel.truth.len() / basket.len().max(1);
    for (quantity, colour, radius) in [(panel.truth, TRUE, 2.0), (panel.predicted, PREDICTED, 0.9)] {
        let points = quantity.iter().enumerate().map(|(i, &y)| (basket[i / components], y));
        let dots = thinned(points.filter(|&point| axes.contain(point)).collect(), 0.5 * radius, |point| {
            chart.backend_coord(point)
        });
        chart.draw_series(dots.into_iter().map(|point| Circle::new(point, units(radius), colour.filled())))?;
    }
    Ok(())
}

/// At most [`MOST_DOTS`] of these points: one in each cell of a grid, which starts `side` pixels wide.
///
/// A dot on top of its like shows nothing more. So outliers stay, and the crowd is thinned.
fn thinned(points: Vec<(f64, f64)>, mut side: f64, place: impl Fn(&(f64, f64)) -> (i32, i32)) -> Vec<(f64, f64)> {
    loop {
        let mut taken = HashSet::new();
        let cell = |(x, y): (i32, i32)| (x / units(side), y / units(side));
        let kept: Vec<_> = points.iter().copied().filter(|point| taken.insert(cell(place(point)))).collect();
        if kept.len() <= MOST_DOTS {
            return kept;
        }
        side *= 1.2;
    }
}

/// An R² as Table 2 prints it; six figures, unless it is too far below zero for them to mean anything.
pub(super) fn score(r2: f64) -> String {
    if r2 > -100.0 { format!("{r2:.6}") } else { format!("{r2:.2e}") }
}

/// A chart with its title, axes and grid, empty.
pub(super) fn frame<'a, 'b>(
    area: &'a Area<'b>,
    title: &str,
    [x_label, y_label]: [&str; 2],
    axes: &Axes,
) -> Result<Chart<'a, 'b>, Failure> {
    let room = |label: &str| if label.is_empty() { 0.0 } else { LABEL };
    let [left, right] = MARGINS;
    let mut chart = ChartBuilder::on(area)
        .margin_top(units(28.0))
        .margin_bottom(units(6.0))
        .margin_right(units(right))
        .x_label_area_size(units(24.0 + room(x_label)))
        .margin_left(units(EDGE))
        .y_label_area_size(units(left - EDGE + room(y_label)))
        .build_cartesian_2d(axes.x.clone(), axes.y.clone())?;
    chart
        .configure_mesh()
        .x_labels(6)
        .y_labels(6)
        .max_light_lines(0)
        .bold_line_style(stroke(GRID, 0.6))
        .axis_style(stroke(INK, 0.8))
        .set_all_tick_mark_size(units(3.5))
        .label_style(font(10.5).style())
        .axis_desc_style(font(11.5).style())
        .x_desc(x_label)
        .y_desc(y_label)
        .draw()?;
    let (width, _) = area.dim_in_pixel();
    let centre = 0.5 * (f64::from(width) / UNITS + left + room(y_label) - right);
    text(area, title, (centre, 16.0), font(13.0), HPos::Center)?;
    Ok(chart)
}

#[cfg(test)]
mod tests {
    use super::{Axes, Column, MOST_DOTS, Panel, score, thinned, three_panels};

    /// What is drawn at places: circles of this colour.
    fn dots(svg: &str, colour: &str) -> usize {
        svg.lines().filter(|line| line.starts_with("<circle") && line.contains(colour)).count()
    }

    const ORANGE: &str = "#FF8C00";
    const BLUE: &str = "#1F5AB4";

    #[test]
    fn every_point_and_component_has_its_dots() {
        let (basket, ten, twenty) = ([0.8, 1.2], [0.1, 0.9], [0.1, 0.5, 0.7, 0.9]);
        let pair = |data| Panel { truth: data, predicted: data, r2: 0.987654321 };
        let column =
            Column { title: "A title", basket: &basket, values: pair(&ten), deltas: pair(&twenty), gammas: pair(&ten) };
        let svg = three_panels(&column);
        // 2 values, 4 deltas, 2 gammas and the legend's.
        assert_eq!((dots(&svg, ORANGE), dots(&svg, BLUE)), (9, 9));
        for words in
            ["A title", "Values, R² = 0.987654", "Deltas, R² = 0.987654", "Gammas, R² = 0.987654", "Basket price"]
        {
            assert!(svg.contains(words), "{words}");
        }
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    }

    /// Three points on a line are drawn on a line, in order, rising as the values do, the truth and the prediction alike.
    #[test]
    fn places_are_affine_in_the_data() {
        let panel = Panel { truth: &[0.0, 0.5, 1.0], predicted: &[0.0, 0.5, 1.0], r2: 1.0 };
        let svg =
            three_panels(&Column { title: "", basket: &[1.0, 2.0, 3.0], values: panel, deltas: panel, gammas: panel });
        for colour in [ORANGE, BLUE] {
            let attribute = |line: &str, name: &str| -> f64 {
                line.split(&format!(" {name}=\"")).nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
            };
            let circles = svg.lines().filter(|line| line.starts_with("<circle") && line.contains(colour));
            // After the legend's.
            let places: Vec<_> = circles.skip(1).map(|line| (attribute(line, "cx"), attribute(line, "cy"))).collect();
            assert_eq!(places.len(), 9);
            for three in places.chunks(3) {
                let [(x0, y0), (x1, y1), (x2, y2)] = *three else { unreachable!() };
                assert!(x0 < x1 && x1 < x2 && y0 > y1 && y1 > y2, "{three:?}");
                // Whole units, a tenth of a pixel, so at most one apart.
                assert!((x0 + x2 - 2.0 * x1).abs() <= 2.0 && (y0 + y2 - 2.0 * y1).abs() <= 2.0, "{three:?}");
            }
        }
    }

    #[test]
    fn nothing_finite_or_nothing_at_all_is_still_a_picture() {
        let none = Panel { truth: &[], predicted: &[], r2: f64::NAN };
        let empty = Column { title: "", basket: &[], values: none, deltas: none, gammas: none };
        assert!(three_panels(&empty).contains("R² = NaN"));
        let astray = Panel { truth: &[0.5], predicted: &[f64::NAN], r2: f64::NEG_INFINITY };
        let svg = three_panels(&Column { basket: &[1.0], values: astray, deltas: astray, gammas: astray, ..empty });
        assert_eq!((dots(&svg, ORANGE), dots(&svg, BLUE)), (4, 1));
        assert!(svg.contains("-inf, 1 outside"));
    }

    #[test]
    #[should_panic(expected = "Deltas: 3 are not as many at each of 2 points")]
    fn components_must_fill_their_points() {
        let (two, three) = ([0.0; 2], [0.0; 3]);
        let panel = |data| Panel { truth: data, predicted: data, r2: 0.0 };
        three_panels(&Column {
            title: "",
            basket: &two,
            values: panel(&two),
            deltas: panel(&three),
            gammas: panel(&two),
        });
    }

    #[test]
    fn stray_predictions_do_not_squeeze_the_rest() {
        let panel = Panel { truth: &[0.0, 2.0], predicted: &[1e9, -0.5], r2: 0.0 };
        let axes = Axes::of(&[(&[1.0, 3.0], panel)]);
        // Half the spread above (2 + 1), as far as there is something below (−0.5), and a twentieth of air.
        let air = 0.05 * 3.5;
        assert!((axes.y.start - (-0.5 - air)).abs() < 1e-12 && (axes.y.end - (3.0 + air)).abs() < 1e-12, "{axes:?}");
        assert!((axes.x.start - 0.9).abs() < 1e-12 && (axes.x.end - 3.1).abs() < 1e-12, "{axes:?}");
    }

    #[test]
    fn any_numbers_have_axes() {
        let odd =
            [0.0, -0.0, 1.0, 1.0 + f64::EPSILON, 1e-320, -1e99, 1e99, f64::MAX, f64::MIN, f64::INFINITY, f64::NAN];
        for a in odd {
            for b in odd {
                let panel = Panel { truth: &[a, b], predicted: &[b, a], r2: 0.0 };
                let svg =
                    three_panels(&Column { title: "", basket: &[b, a], values: panel, deltas: panel, gammas: panel });
                assert!(svg.trim_end().ends_with("</svg>"), "{a} and {b}");
            }
        }
    }

    #[test]
    fn thinning_keeps_outliers_and_the_bound() {
        let mut points: Vec<_> = (0..40_000).map(|i| (f64::from(i % 200), f64::from(i / 200))).collect();
        points.push((1000.0, 1000.0));
        let kept = thinned(points, 1.0, |&(x, y)| ((x * 10.0) as i32, (y * 10.0) as i32));
        assert!(kept.len() <= MOST_DOTS && kept.len() > MOST_DOTS / 2, "{}", kept.len());
        assert_eq!(kept.last(), Some(&(1000.0, 1000.0)));
    }

    #[test]
    fn scores_have_six_figures_while_they_mean_something() {
        assert_eq!([score(0.99996249), score(-12.5), score(-3.1e6)], ["0.999962", "-12.500000", "-3.10e6"]);
    }
}
