//! Fig. 5: what the sigmoidal smoothing of §5.2.4 does to a payoff and its derivatives.

use std::ops::Range;

use plotters::series::LineSeries;

use super::canvas::{PREDICTED, TRUE, UNITS, arrow, stroke, triptych};
use super::plot::{Axes, frame};
use crate::math::{Activation, Separate};

/// A panel's title, vertical axis and its range, and the pieces of the exact function.
type Exact<'a> = (&'a str, &'a str, Range<f64>, &'a [&'a [(f64, f64)]]);

/// The payoff `(x)⁺` and its sigmoidal smoothing `x/(1 + e^(−x/w))` with their first two derivatives (Fig. 5, §5.2.4)
/// as an SVG document.
///
/// # Panics
/// Unless `width` is positive and finite.
#[track_caller]
pub fn smoothing(width: f64) -> String {
    assert!(width > 0.0 && width.is_finite(), "a smoothing width is positive, not {width}");
    let reach = 8.0 * width;
    let peak = 0.5 / width;
    let value: Exact = ("Payoff", "(x)⁺", -0.1 * reach..reach, &[&[(-reach, 0.0), (0.0, 0.0), (reach, reach)]]);
    let first: Exact =
        ("First derivative", "d/dx", -0.25..1.25, &[&[(-reach, 0.0), (0.0, 0.0)], &[(0.0, 1.0), (reach, 1.0)]]);
    let second: Exact = ("Second derivative", "d²/dx²", -0.25 * peak..1.25 * peak, &[&[(-reach, 0.0), (reach, 0.0)]]);
    let panels = [value, first, second];
    let heading = format!("Sigmoidal smoothing, width w = {width}");
    triptych(&heading, ["(x)⁺", "x/(1 + exp(−x/w))"], |order, area| {
        let (title, label, y, pieces) = &panels[order];
        let mut chart = frame(area, title, ["x", label], &Axes { x: -reach..reach, y: y.clone() })?;
        for piece in *pieces {
            chart.draw_series(LineSeries::new(piece.iter().copied(), stroke(TRUE, 2.4)))?;
        }
        if order == 2 {
            // The kink's second derivative is a unit mass at 0.
            let (left, top) = area.get_base_pixel();
            let place = |y| {
                let (x, y) = chart.backend_coord(&(0.0, y));
                (f64::from(x - left) / UNITS, f64::from(y - top) / UNITS)
            };
            arrow(area, &[place(0.0), place(y.end)], stroke(TRUE, 2.4))?;
        }
        let grid = (-200..=200).map(|i| reach * f64::from(i) / 200.0);
        chart.draw_series(LineSeries::new(grid.map(|x| (x, smoothed(x, width)[order])), stroke(PREDICTED, 1.4)))?;
        Ok(())
    })
}

/// `x/(1 + e^(−x/w))` and its first two derivatives.
fn smoothed(x: f64, width: f64) -> [f64; 3] {
    // It is w·SiLU(x/w), and each derivative loses a factor w.
    let [value, first, second, _] = Activation::Silu.jet(Separate, x / width);
    [value * width, first, second / width]
}

#[cfg(test)]
mod tests {
    use super::{smoothed, smoothing};

    #[test]
    fn smoothing_is_the_formula_and_its_differences() {
        let (width, h) = (0.05_f64, 1e-6);
        let formula = |x: f64| x / (1.0 + (-x / width).exp());
        for i in -40..=40 {
            let x = f64::from(i) * 0.01;
            let [value, first, second] = smoothed(x, width);
            assert!((value - formula(x)).abs() < 1e-15);
            assert!((first - (formula(x + h) - formula(x - h)) / (2.0 * h)).abs() < 1e-8);
            assert!((second - (smoothed(x + h, width)[1] - smoothed(x - h, width)[1]) / (2.0 * h)).abs() < 1e-6);
        }
        assert!(smoothing(width).contains("width w = 0.05"));
    }

    #[test]
    fn any_width_is_a_picture() {
        for width in [1e-300, 1e-12, 1.0, 1e12, 1e300] {
            let svg = smoothing(width);
            assert!(svg.contains("</svg>") && !svg.contains("NaN"), "{width}");
        }
    }

    #[test]
    #[should_panic(expected = "a smoothing width is positive, not 0")]
    fn no_smoothing_without_width() {
        smoothing(0.0);
    }
}
