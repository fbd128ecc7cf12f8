//! Figure 1 as one sheet: each network drawn, how it came from the one before, and what it predicts under it.

use plotters::element::{Circle, PathElement};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color as _, RGBColor, WHITE};

use super::canvas::{Area, Drawn, INK, PREDICTED, arrow, at, document, font, legend, stroke, text, units};
use super::plot::{Axes, Column, LABEL, MARGINS, scatter};
use super::table::network_name;

/// Pixels: a column's width; the heights of a lane of arrows, of a graph with its name, of a panel.
const COLUMN: f64 = 310.0;
const LANE: f64 = 30.0;
const GRAPH: f64 = 215.0;
const PANEL: f64 = 220.0;

const EDGE: RGBColor = RGBColor(190, 196, 206);
/// Beyond this many nodes a layer is drawn as its first and last few around an ellipsis.
const MOST_NODES: usize = 7;

/// A network on the sheet and the stage that made it.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Its predictions, drawn under it.
    pub column: Column<'a>,
    /// Nodes of every layer, inputs and outputs included.
    pub widths: &'a [usize],
    /// The step that it was made from; none for a network trained from nothing.
    pub from: Option<usize>,
    /// What the arrow that leads to it says.
    pub stage: &'a str,
}

/// Figure 1: large → pruned → fine-tuned as graphs, with values, deltas and gammas below, each row to one scale, as an
/// SVG document.
///
/// # Panics
/// If a panel's lengths disagree, or a step is made from one that does not precede it.
///
/// # Examples
/// ```
/// use sobolev::cli::plot::{Column, Panel};
/// use sobolev::cli::sheet::{Step, figure_one};
///
/// let panel = Panel { truth: &[0.1, 0.2], predicted: &[0.1, 0.3], r2: 0.9 };
/// let column = Column { title: "Oversized", basket: &[0.9, 1.1], values: panel, deltas: panel, gammas: panel };
/// let large = Step { column, widths: &[7, 128, 128, 1], from: None, stage: "train on values" };
/// let small = Step { widths: &[7, 3, 3, 1], from: Some(0), stage: "prune by interval adjoints", ..large };
/// assert!(figure_one(&[large, small]).contains("prune by interval adjoints"));
/// ```
#[track_caller]
pub fn figure_one(steps: &[Step]) -> String {
    for (i, step) in steps.iter().enumerate() {
        step.column.check();
        assert!(step.from.is_none_or(|from| from < i), "step {i} cannot be made from step {:?}", step.from);
    }
    // An arrow that passes over other columns runs above theirs.
    let lane = |i: usize| steps[i].from.map_or(0, |from| i - from - 1);
    let lanes = (0..steps.len()).map(lane).max().unwrap_or(0) as f64 + 1.0;
    let top = 16.0 + LANE * lanes;
    // Only the outer panels are labelled, and the labels stand outside of the columns.
    let (width, height) = (LABEL + COLUMN * steps.len() as f64, top + GRAPH + 3.0 * PANEL + LABEL + 30.0);
    let left = |i: usize| LABEL + COLUMN * i as f64;
    let centre = |i: usize| left(i) + 0.5 * (COLUMN + MARGINS[0] - MARGINS[1]);
    let panels = |row: usize| steps.iter().map(move |step| (step.column.basket, step.column.panels()[row].2));
    let axes = [0, 1, 2].map(|row| Axes::of(&panels(row).collect::<Vec<_>>()));
    document((width, height), |root| {
        for (i, step) in steps.iter().enumerate() {
            let (y, end) = (top - LANE * (lane(i) as f64 + 0.5), centre(i) - 12.0);
            let path = match step.from {
                None => vec![(left(i) + 24.0, y), (end, y), (end, top)],
                Some(from) => vec![(centre(from) + 12.0, top), (centre(from) + 12.0, y), (end, y), (end, top)],
            };
            arrow(root, &path, stroke(INK, 1.2))?;
            text(root, step.stage, (0.5 * (path[0].0 + end), y - 9.0), font(12.0), HPos::Center)?;
            graph(root, (centre(i), top), step)?;
            for (row, ((name, label, panel), axes)) in step.column.panels().into_iter().zip(&axes).enumerate() {
                let label = if i == 0 { label } else { "" };
                let basket = if row == 2 { "Basket price" } else { "" };
                let room = |label: &str| if label.is_empty() { 0.0 } else { LABEL };
                let corner = (left(i) - room(label), top + GRAPH + PANEL * row as f64);
                let size = (units(COLUMN + room(label)), units(PANEL + room(basket)));
                let area = root.clone().shrink(at(corner), size);
                scatter(&area, step.column.basket, panel, axes, name, [basket, label])?;
            }
        }
        legend(root, width - 16.0, height - 16.0, ["true", "predicted"])
    })
}

/// The network under its name, inside a column's width and [`GRAPH`] pixels of height.
fn graph(root: &Area, (centre, top): (f64, f64), step: &Step) -> Drawn {
    let middle = top + 115.0;
    text(root, step.column.title, (centre, top + 16.0), font(15.0).bold(), HPos::Center)?;
    let parameters: usize = step.widths.windows(2).map(|w| (w[0] + 1) * w[1]).sum();
    let facts = format!("{}, {} parameters", network_name(step.widths), grouped(parameters));
    text(root, &facts, (centre, top + 35.0), font(12.0), HPos::Center)?;

    let layers: Vec<Vec<(f64, f64)>> = (0..step.widths.len())
        .map(|layer| {
            let spread = (COLUMN - 70.0).min(46.0 * (step.widths.len() - 1) as f64);
            let x = centre + spread * (layer as f64 / (step.widths.len() - 1).max(1) as f64 - 0.5);
            slots(step.widths[layer]).into_iter().map(|slot| (x, middle + 16.0 * slot)).collect()
        })
        .collect();
    for pair in layers.windows(2) {
        for &from in &pair[0] {
            for &to in &pair[1] {
                root.draw(&PathElement::new(vec![at(from), at(to)], stroke(EDGE, 0.6)))?;
            }
        }
    }
    for ((i, layer), &nodes) in layers.iter().enumerate().zip(step.widths) {
        for &node in layer {
            let hidden = i > 0 && i + 1 < layers.len();
            root.draw(&Circle::new(at(node), units(5.0), if hidden { PREDICTED.filled() } else { WHITE.filled() }))?;
            root.draw(&Circle::new(at(node), units(5.0), stroke(PREDICTED, 1.2)))?;
        }
        let Some(&(x, _)) = layer.first() else { continue };
        if nodes > MOST_NODES {
            for dot in [-0.35, 0.0, 0.35] {
                root.draw(&Circle::new(at((x, middle + 16.0 * dot)), units(1.3), PREDICTED.filled()))?;
            }
        }
        text(root, &nodes.to_string(), (x, middle + 70.0), font(11.0), HPos::Center)?;
    }
    Ok(())
}

/// Where a layer's nodes stand, in steps from its middle; those of a long layer leave the middle for an ellipsis.
fn slots(nodes: usize) -> Vec<f64> {
    let drawn = nodes.min(MOST_NODES);
    let all = (0..drawn).map(|i| i as f64 - 0.5 * (drawn as f64 - 1.0));
    all.filter(|slot| nodes <= MOST_NODES || slot.abs() > 0.5).collect()
}

/// Digits in groups of three.
fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::plot::{Column, Panel};
    use super::{Step, figure_one, grouped, slots};

    fn step<'a>(title: &'a str, widths: &'a [usize], from: Option<usize>, stage: &'a str) -> Step<'a> {
        let panel = Panel { truth: &[0.1, 0.2], predicted: &[0.1, 0.3], r2: 0.9 };
        let column = Column { title, basket: &[0.9, 1.1], values: panel, deltas: panel, gammas: panel };
        Step { column, widths, from, stage }
    }

    #[test]
    fn the_sheet_names_networks_stages_and_sizes() {
        let large = [7, 128, 128, 128, 128, 128, 128, 1];
        let small = [7, 3, 3, 1];
        let svg = figure_one(&[
            step("Oversized", &large, None, "train"),
            step("Pruned", &small, Some(0), "prune"),
            step("From the network", &small, Some(1), "teach"),
            step("From the model", &small, Some(1), "simulate"),
        ]);
        for words in ["Oversized", "Pruned", "From the model", "train", "prune", "teach", "simulate", "7-6×128-1"] {
            assert!(svg.contains(words), "{words}");
        }
        // 8·128 + 5·129·128 + 129 and 8·3 + 4·3 + 4.
        assert!(svg.contains("83\u{202f}713 parameters") && svg.contains("40 parameters"));
        // Four arrows with one head each.
        assert_eq!(svg.matches("<polygon").count(), 4);
        assert_eq!(svg.matches("Value\n").count(), 1, "one label a row");
    }

    #[test]
    fn odd_shapes_are_drawn() {
        assert!(figure_one(&[]).contains("</svg>"));
        assert!(
            figure_one(&[step("", &[], None, ""), step("", &[1], Some(0), ""), step("", &[0, 1], Some(0), "")])
                .contains("</svg>")
        );
    }

    #[test]
    #[should_panic(expected = "step 0 cannot be made from step Some(0)")]
    fn nothing_is_made_from_itself() {
        figure_one(&[step("", &[1], Some(0), "")]);
    }

    #[test]
    fn long_layers_leave_room_for_the_ellipsis() {
        assert_eq!(slots(1), [0.0]);
        assert_eq!(slots(2), [-0.5, 0.5]);
        assert_eq!(slots(7), [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]);
        assert_eq!(slots(128), [-3.0, -2.0, -1.0, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn digits_come_in_threes() {
        assert_eq!([59, 999, 1000, 1_234_567].map(grouped), ["59", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]);
    }
}
