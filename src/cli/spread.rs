//! Figure 8: the mean of several networks' predictions, and a bar of one deviation to each side of it.

use plotters::element::{Circle, PathElement};
use plotters::style::{Color as _, RGBColor};

use super::canvas::{Area, Drawn, PREDICTED, TRUE, stroke, triptych, units};
use super::plot::{Axes, Panel, frame, score};
use crate::math::statistics::r_squared;

/// Points that are drawn: bars hide each other sooner than dots do.
const MOST_POINTS: usize = 700;
const BAR: RGBColor = RGBColor(168, 198, 238);

/// One quantity at every point, point-major, over several networks.
pub(super) struct Spread {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) truth: Vec<f64>,
    pub(super) mean: Vec<f64>,
    pub(super) deviation: Vec<f64>,
}

/// Values, deltas and gammas against the basket's price as an SVG document.
pub(super) fn spread(title: &str, basket: &[f64], panels: &[Spread; 3]) -> String {
    triptych(title, ["true", "predicted: mean ± deviation"], |i, area| panel(area, basket, &panels[i]))
}

fn panel(area: &Area, basket: &[f64], spread: &Spread) -> Drawn {
    let Spread { name, label, truth, mean, deviation } = spread;
    let r2 = r_squared(mean, truth);
    let axes = Axes::of(&[(basket, Panel { truth, predicted: mean, r2 })]);
    let mut chart = frame(area, &format!("{name}, R² of the mean = {}", score(r2)), ["Basket price", label], &axes)?;
    let components = truth.len() / basket.len().max(1);
    let inside = |y: f64| y.clamp(axes.y.start, axes.y.end);
    // Evenly among the points, all components of each.
    let stride = basket.len().div_ceil(MOST_POINTS / components.max(1)).max(1);
    let drawn = || (0..truth.len()).filter(|i| (i / components).is_multiple_of(stride));
    let bars = drawn().filter(|&i| deviation[i].is_finite()).map(|i| {
        let x = basket[i / components];
        let ends = [inside(mean[i] - deviation[i]), inside(mean[i] + deviation[i])];
        PathElement::new(ends.map(|y| (x, y)).to_vec(), stroke(BAR, 1.0))
    });
    chart.draw_series(bars)?;
    for (quantity, colour, radius) in [(truth, TRUE, 2.0), (mean, PREDICTED, 0.9)] {
        let dots = drawn().map(|i| (basket[i / components], quantity[i])).filter(|&(_, y)| axes.y.contains(&y));
        chart.draw_series(dots.map(|point| Circle::new(point, units(radius), colour.filled())))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_has_a_bar_and_two_dots() {
        let of = |name, k: usize| Spread {
            name,
            label: "",
            truth: (0..3 * k).map(|i| i as f64).collect(),
            mean: (0..3 * k).map(|i| i as f64 + 0.5).collect(),
            deviation: vec![0.25; 3 * k],
        };
        let svg = spread("A title", &[0.8, 1.0, 1.2], &[of("Values", 1), of("Deltas", 2), of("Gammas", 1)]);
        let count =
            |what: &str, colour: &str| svg.lines().filter(|l| l.starts_with(what) && l.contains(colour)).count();
        // And one dot of each colour in the legend.
        assert_eq!(
            [count("<polyline", "#A8C6EE"), count("<circle", "#FF8C00"), count("<circle", "#1F5AB4")],
            [12, 13, 13]
        );
        // Half off, each: 1 − 3·0.25/2.
        assert!(svg.contains("Values, R² of the mean = 0.625000"), "{svg}");
    }
}
