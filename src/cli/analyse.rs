//! `analyse`: the significance of every node of a network, and how tight its bounds are.

use std::path::PathBuf;

use clap::Args;
use plotters::series::LineSeries;

use super::args::{CommonArgs, ReferenceArgs, positive};
use super::canvas::{PREDICTED, TRUE, document, font, legend, stroke, text, units};
use super::files::{self, Loaded};
use super::plot::{Axes, frame};
use super::table::drawn;
use crate::data::write_atomically;
use crate::error::Result;
use crate::math::random::{Purpose, Streams};
use crate::pipeline::{Analysis, Inputs, LevelReport, Reference, Use};
use crate::significance::{Enclosure, Method};

/// `analyse`.
#[derive(Args, Clone, Debug)]
pub struct AnalyseArgs {
    /// See [`CommonArgs`].
    #[command(flatten)]
    pub common: CommonArgs,
    /// The network to analyse, .safetensors or .onnx
    #[arg(long, short, default_value = "out/oversized.safetensors")]
    pub model: PathBuf,
    /// How nodes and derivatives are bounded in the list of nodes: interval, ball, linear or both
    #[arg(long, value_parser = enclosure, default_value = "both")]
    pub enclosure: Enclosure,
    /// Boxes that the domain is split into; every enclosure is also measured over them
    #[arg(long, value_parser = positive, default_value_t = 1)]
    pub boxes: usize,
    /// Points of the domain that the bounds are compared with
    #[arg(long, value_parser = positive, default_value_t = 4096)]
    pub samples: usize,
    /// Nodes listed for each layer, the most significant first
    #[arg(long, value_parser = positive, default_value_t = 8)]
    pub nodes: usize,
    /// Draw scores by node into this SVG file
    #[arg(long)]
    pub picture: Option<PathBuf>,
    /// Write everything about every node into this JSON file
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// See [`ReferenceArgs`].
    #[command(flatten)]
    pub reference: ReferenceArgs,
}

fn enclosure(name: &str) -> std::result::Result<Enclosure, String> {
    let known = Enclosure::ALL.into_iter().find(|e| e.name() == name);
    known.ok_or_else(|| "expected interval, ball, linear or both".into())
}

pub(super) fn analyse(args: &AnalyseArgs) -> Result<()> {
    let Loaded { surrogate, reference, .. } = files::load(&args.model, &args.reference, None)?;
    let domain = reference.domain();
    let mut streams = Streams::new(args.common.seed, Purpose::Pruning);
    let points = match &reference {
        // A user's points, or uniform ones.
        Reference::Network(imitation) => imitation.inputs.draw(Use::Training, &mut streams, args.samples),
        Reference::Model(_) => Inputs::uniform(domain.clone())?.draw(Use::Training, &mut streams, args.samples),
    };
    let counts = if args.boxes > 1 { vec![1, args.boxes] } else { vec![1] };
    let mut methods: Vec<Method> =
        counts.into_iter().flat_map(|boxes| Enclosure::ALL.map(|enclosure| Method { enclosure, boxes })).collect();
    // The one that is listed comes last.
    let listed = Method { enclosure: args.enclosure, boxes: args.boxes };
    methods.retain(|m| *m != listed);
    methods.push(listed);
    let analysis = Analysis::of(&surrogate, &domain, points.as_ref(), &methods);

    if let Some(path) = &args.json {
        write_atomically(path, serde_json::to_string_pretty(&analysis).expect("plain numbers").as_bytes())?;
    }
    if let Some(path) = &args.picture {
        super::save(path, &picture(&args.model.display().to_string(), &analysis))?;
    }
    if !args.common.quiet {
        println!("{}: {}", args.model.display(), analysis.network);
        println!("{}", nodes_table(&analysis, args.nodes));
    }
    println!("{}", tightness_table(&analysis));
    Ok(())
}

/// Four figures of whatever size.
fn number(x: f64) -> String {
    if x == 0.0 || (1e-3..1e5).contains(&x.abs()) { format!("{x:.4}") } else { format!("{x:.3e}") }
}

fn pair([lo, hi]: [f64; 2]) -> String {
    format!("[{}, {}]", number(lo), number(hi))
}

fn nodes_table(analysis: &Analysis, most: usize) -> comfy_table::Table {
    let header = ["", "Node", "Range", "Adjoint", "Score", "Sampled", "Leaving weights"].map(str::to_owned);
    let mut table = drawn(&header, comfy_table::presets::UTF8_FULL_CONDENSED, 1);
    for level in &analysis.levels {
        let order = by_score(level);
        for &n in order.iter().take(most) {
            let node = &level.nodes[n];
            table.add_row([
                level.name.clone(),
                n.to_string(),
                pair(node.range),
                pair(node.adjoint),
                number(node.score),
                number(node.sampled_score),
                number(node.leaving),
            ]);
        }
        if order.len() > most {
            let rest = order.len() - most;
            let sum: f64 = order[most..].iter().map(|&n| level.nodes[n].score).sum();
            let heavy = level.heavy_weights.map_or(String::new(), |share| {
                format!("90 % of the score of weights into it in {:.0} % of them", 100.0 * share)
            });
            table.add_row([level.name.clone(), format!("{rest} more"), heavy, String::new(), number(sum)]);
        }
    }
    table
}

/// Indices, the most significant first.
fn by_score(level: &LevelReport) -> Vec<usize> {
    let mut order: Vec<usize> = (0..level.nodes.len()).collect();
    order.sort_by(|&a, &b| level.nodes[b].score.total_cmp(&level.nodes[a].score));
    order
}

fn tightness_table(analysis: &Analysis) -> comfy_table::Table {
    let levels = analysis.levels.iter().take(analysis.levels.len() - 1).map(|l| l.name.clone());
    let head = ["Method", "Output", "Overestimation"].map(str::to_owned);
    let header: Vec<String> =
        head.into_iter().chain(levels).chain(["Rank correlation", "Seconds"].map(str::to_owned)).collect();
    let mut table = drawn(&header, comfy_table::presets::UTF8_FULL_CONDENSED, 1);
    let mut all: Vec<_> = analysis.tightness.iter().collect();
    all.sort_by_key(|t| (t.method.contains('/'), Enclosure::ALL.iter().position(|e| t.method.starts_with(e.name()))));
    for t in all {
        let known: Vec<f64> = t.rank_correlation.iter().copied().filter(|r| r.is_finite()).collect();
        let correlation = known.iter().sum::<f64>() / known.len() as f64;
        let mut row = vec![t.method.clone(), pair(t.output), number(t.overestimation)];
        row.extend(t.by_level.iter().map(|x| number(*x)));
        row.extend([format!("{correlation:.2}"), format!("{:.3}", t.seconds)]);
        table.add_row(row);
    }
    table
}

/// Panels in a row.
const COLUMNS: usize = 4;

/// Scores of each level in descending order of their bounds, bounds in blue, samples in orange.
fn picture(title: &str, analysis: &Analysis) -> String {
    let (panels, rows) = (analysis.levels.len(), analysis.levels.len().div_ceil(COLUMNS));
    let columns = panels.min(COLUMNS);
    document((300.0 * columns as f64, 40.0 + 260.0 * rows as f64), |page| {
        let (header, body) = page.split_vertically(units(34.0));
        let heading = format!("Significance, {title}, {}", analysis.method);
        text(&header, &heading, (16.0, 20.0), font(15.0).bold(), plotters::style::text_anchor::HPos::Left)?;
        legend(&header, 300.0 * columns as f64 - 16.0, 20.0, ["sampled", "bound"])?;
        for (level, area) in analysis.levels.iter().zip(body.split_evenly((rows, columns))) {
            let order = by_score(level);
            let curve = |f: fn(&crate::pipeline::NodeReport) -> f64| -> Vec<(f64, f64)> {
                let points = order.iter().enumerate().map(|(rank, &n)| (rank as f64, f(&level.nodes[n]).log10()));
                points.filter(|(_, y)| y.abs() < 300.0).collect()
            };
            let curves = [curve(|n| n.sampled_score), curve(|n| n.score)];
            let ends =
                curves.iter().flatten().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), p| (a.min(p.1), b.max(p.1)));
            let (low, high) = if ends.0 <= ends.1 { ends } else { (-1.0, 1.0) };
            let axes = Axes { x: -0.5..order.len() as f64 - 0.5, y: low - 0.2..high + 0.2 };
            let mut chart = frame(&area, &level.name, ["Rank", "log₁₀ score"], &axes)?;
            for (curve, colour) in curves.into_iter().zip([TRUE, PREDICTED]) {
                chart.draw_series(LineSeries::new(curve.clone(), stroke(colour, 1.2)))?;
                let dot = |p| plotters::element::Circle::new(p, units(1.6), plotters::style::Color::filled(&colour));
                chart.draw_series(curve.into_iter().map(dot))?;
            }
        }
        Ok(())
    })
}
