//! Table 2 beside the paper's, and where the time went, for the terminal and as Markdown.

use std::{fmt, iter};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::plot::score;
use crate::math::statistics::median;
use crate::pipeline::{ParameterScores, Scores};

/// Values, deltas and gammas of one column of the paper's Table 2.
pub type Published = [f64; 3];

/// The paper's Table 2: the network trained on values alone.
pub const OVERSIZED: Published = [0.999545, 0.998700, 0.997033];
/// The paper's Table 2: pruned, retrained on values alone.
pub const PRUNED: Published = [0.999296, 0.996718, 0.902470];
/// The paper's Table 2: fine-tuned on the large network's derivatives.
pub const FROM_NETWORK: Published = [0.999805, 0.999479, 0.987393];
/// The paper's Table 2: fine-tuned on the reference model's pathwise derivatives.
pub const FROM_MODEL: Published = [0.999962, 0.999863, 0.997374];

/// A column of Table 2: one method over several seeds.
#[derive(Clone, Copy, Debug)]
pub struct Method<'a> {
    /// The column's heading.
    pub name: &'a str,
    /// One for each seed.
    pub runs: &'a [Scores],
    /// The paper's figures, where it has the method.
    pub paper: Option<Published>,
}

/// Marks a median under the paper's figure.
const UNDER: &str = "▼";

/// Table 2, ours beside the paper's: the median and the worst where there are several seeds.
///
/// `Display` gives the terminal's form; [`Self::markdown`] the other.
///
/// # Examples
/// ```
/// use sobolev::cli::table::{FROM_MODEL, Method, Table2};
/// use sobolev::pipeline::Scores;
///
/// let run = Scores { values: 0.99998, deltas: 0.99989, deltas_by_column: 0.9995, gammas: 0.9981, parameters: Default::default() };
/// let table = Table2::new(&[Method { name: "from the model", runs: &[run], paper: Some(FROM_MODEL) }]);
/// assert!(table.to_string().contains("0.998100"));
/// assert!(table.markdown().contains("| Gammas"));
/// ```
#[derive(Clone, Debug)]
pub struct Table2 {
    header: Vec<String>,
    /// The lines of each quantity.
    groups: Vec<Vec<Vec<String>>>,
    /// Whether a median is under the paper's.
    under: bool,
}

impl Table2 {
    /// The table of these columns.
    pub fn new(methods: &[Method]) -> Self {
        let several = methods.iter().any(|method| method.runs.len() > 1);
        let corner = if several { "R², median" } else { "R²" };
        let header = iter::once(corner).chain(methods.iter().map(|m| m.name)).map(str::to_owned).collect();
        let mut under = false;
        let mut groups = Vec::new();
        let shown = methods.iter().flat_map(|m| m.runs).flat_map(|run| run.parameters.rows());
        let shown: Vec<&str> = shown.filter(|(_, score)| score.is_some()).map(|(name, _)| name).collect();
        let parameters = ParameterScores::default().rows().map(|(name, _)| name);
        let names = ["Values", "Deltas", "Deltas by column", "Gammas"].into_iter().chain(parameters).enumerate();
        for (row, name) in names.filter(|(row, name)| *row < 4 || shown.contains(name)) {
            let of = |run: &Scores| match row {
                0..4 => run.rows()[row],
                _ => run.parameters.rows()[row - 4].1.unwrap_or(f64::NAN),
            };
            let runs = |m: &Method| m.runs.iter().map(of).collect::<Vec<_>>();
            // The paper scores its deltas all in one.
            let published = |m: &Method| {
                [Some(0), Some(1), None, Some(2)].get(row).copied().flatten().and_then(|i| m.paper.map(|p| p[i]))
            };
            let line = |name: &str, cells: Vec<Option<String>>| -> Vec<String> {
                let cells = cells.into_iter().map(|cell| cell.unwrap_or_else(|| "–".to_owned()));
                iter::once(name.to_owned()).chain(cells).collect()
            };
            let ours = methods.iter().map(|m| {
                let ours = (!m.runs.is_empty()).then(|| median(&runs(m)))?;
                // A NaN is under everything.
                let short = published(m).is_some_and(|paper| ours.is_nan() || ours < paper);
                under |= short;
                Some(if short { format!("{UNDER} {}", score(ours)) } else { score(ours) })
            });
            let mut lines = vec![line(name, ours.collect())];
            if several {
                lines.push(line("· worst", methods.iter().map(|m| worst(&runs(m)).map(score)).collect()));
            }
            if methods.iter().any(|m| published(m).is_some()) {
                lines.push(line("· paper", methods.iter().map(|m| published(m).map(score)).collect()));
            }
            groups.push(lines);
        }
        Self { header, groups, under }
    }

    /// The table in GitHub's Markdown.
    pub fn markdown(&self) -> String {
        let mut table = drawn(&self.header, presets::ASCII_MARKDOWN, 1);
        self.groups.iter().flatten().for_each(|line| _ = table.add_row(line));
        format!("{table}\n{}", self.note())
    }

    fn note(&self) -> String {
        if self.under { format!("\n{UNDER} under the paper's figure\n") } else { String::new() }
    }
}

impl fmt::Display for Table2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = drawn(&self.header, presets::UTF8_FULL, 1);
        for lines in &self.groups {
            let column = |i: usize| lines.iter().map(|line| line[i].as_str()).collect::<Vec<_>>().join("\n");
            table.add_row((0..self.header.len()).map(column));
        }
        write!(f, "{table}{}", self.note())
    }
}

/// A stage that ran.
#[derive(Clone, Debug)]
pub struct Stage<'a> {
    /// Its name, as in the progress lines.
    pub name: &'a str,
    /// Nodes of every layer it worked on, inputs and outputs included.
    pub widths: &'a [usize],
    /// Training samples it drew.
    pub samples: u64,
    /// Wall clock.
    pub seconds: f64,
}

/// Where the time went: stage, network, samples, seconds, and their sum; `Display` gives the terminal's form.
#[derive(Clone, Debug)]
pub struct StageTable {
    rows: Vec<[String; 4]>,
}

impl StageTable {
    /// The table of these stages.
    pub fn new(stages: &[Stage]) -> Self {
        let row =
            |s: &Stage| [s.name.to_owned(), network_name(s.widths), count(s.samples), format!("{:.1}", s.seconds)];
        let mut rows: Vec<_> = stages.iter().map(row).collect();
        let samples = stages.iter().map(|s| s.samples).sum();
        let seconds: f64 = stages.iter().map(|s| s.seconds).sum();
        rows.push(["total".to_owned(), String::new(), count(samples), format!("{seconds:.1}")]);
        Self { rows }
    }

    /// The table in GitHub's Markdown.
    pub fn markdown(&self) -> String {
        format!("{}\n", self.drawn(presets::ASCII_MARKDOWN))
    }

    fn drawn(&self, style: comfy_table::TableStyle) -> Table {
        let mut table = drawn(&["Stage", "Network", "Samples", "Seconds"].map(str::to_owned), style, 2);
        table.add_rows(&self.rows);
        table
    }
}

impl fmt::Display for StageTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.drawn(presets::UTF8_FULL_CONDENSED).fmt(f)
    }
}

/// An empty table whose first `words` columns read from the left and the rest are numbers.
pub(super) fn drawn(header: &[String], style: comfy_table::TableStyle, words: usize) -> Table {
    let mut table = Table::new();
    table.load_style(style).set_content_arrangement(ContentArrangement::Disabled).set_header(header);
    for column in table.column_iter_mut().skip(words) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// The layers' widths with long runs counted: `7-6×128-1`, `7-3-3-1`.
pub fn network_name(widths: &[usize]) -> String {
    let runs = widths.chunk_by(|a, b| a == b).map(|run| match run.len() {
        n if n > 3 => format!("{n}×{}", run[0]),
        _ => run.iter().map(usize::to_string).collect::<Vec<_>>().join("-"),
    });
    runs.collect::<Vec<_>>().join("-")
}

/// A count in thousands or millions once it has too many digits to take in.
pub(super) fn count(n: u64) -> String {
    match n {
        10_000_000.. => format!("{:.0} M", n as f64 / 1e6),
        1_000_000.. => format!("{:.1} M", n as f64 / 1e6),
        10_000.. => format!("{:.0} k", n as f64 / 1e3),
        _ => n.to_string(),
    }
}

/// None where there are none; a NaN is the worst there is.
fn worst(values: &[f64]) -> Option<f64> {
    values.iter().copied().min_by(by_success)
}

fn by_success(a: &f64, b: &f64) -> std::cmp::Ordering {
    b.is_nan().cmp(&a.is_nan()).then(a.total_cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(r2: f64) -> Scores {
        Scores { values: r2, deltas: r2, deltas_by_column: r2, gammas: r2, parameters: Default::default() }
    }

    #[test]
    fn the_worst_of_several_is_a_nan_if_there_is_one() {
        assert_eq!(worst(&[]), None);
        assert_eq!(worst(&[0.5, -1.0, 0.25]), Some(-1.0));
        assert!(worst(&[0.5, f64::NAN, -1.0]).is_some_and(f64::is_nan));
    }

    #[test]
    fn one_seed_stands_beside_the_paper() {
        let runs = [Scores { gammas: 0.9, ..all(1.0) }];
        let methods = [
            Method { name: "from model", runs: &runs, paper: Some(FROM_MODEL) },
            Method { name: "collapsed", runs: &runs, paper: None },
        ];
        let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        let markdown = Table2::new(&methods).markdown();
        let lines: Vec<_> = markdown.lines().map(cells).collect();
        assert_eq!(lines[0], ["", "R²", "from model", "collapsed", ""]);
        assert_eq!(lines[2], ["", "Values", "1.000000", "1.000000", ""]);
        assert_eq!(lines[3], ["", "· paper", "0.999962", "–", ""]);
        assert_eq!(lines[6], ["", "Deltas by column", "1.000000", "1.000000", ""]);
        assert_eq!(lines[7], ["", "Gammas", "▼ 0.900000", "0.900000", ""]);
        assert_eq!(lines[8], ["", "· paper", "0.997374", "–", ""]);
        assert_eq!(lines.last().unwrap(), &["▼ under the paper's figure"]);
    }

    #[test]
    fn several_seeds_show_the_worst() {
        let runs = [all(0.9999999), all(0.5), all(0.99999)];
        let table = Table2::new(&[Method { name: "oversized", runs: &runs, paper: Some(OVERSIZED) }]).to_string();
        for words in ["R², median", "0.999990", "· worst", "0.500000", "· paper", "0.998700"] {
            assert!(table.contains(words), "{words} in\n{table}");
        }
        assert!(!table.contains(UNDER));
    }

    #[test]
    fn a_column_meets_the_paper_by_its_figures_not_its_digits() {
        // Both print 0.999545.
        let table = |r2| Table2::new(&[Method { name: "", runs: &[all(r2)], paper: Some([0.999545; 3]) }]).to_string();
        assert!(table(0.9995449).contains(UNDER));
        assert!(!table(0.999545).contains(UNDER));
        assert!(table(f64::NAN).contains(UNDER));
    }

    #[test]
    fn an_unfinished_method_has_dashes() {
        let table = Table2::new(&[Method { name: "pruned", runs: &[], paper: None }]).to_string();
        assert_eq!(table.matches('–').count(), 4);
    }

    #[test]
    fn stages_add_up() {
        let stage = |name, samples, seconds| Stage { name, widths: &[7, 3, 3, 1], samples, seconds };
        let text = StageTable::new(&[stage("train", 8_388_608, 23.44), stage("prune", 9000, 1.0)]).markdown();
        assert!(text.contains("| train | 7-3-3-1 |   8.4 M |    23.4 |"), "{text}");
        assert!(text.contains("| total |         |   8.4 M |    24.4 |"), "{text}");
    }

    #[test]
    fn long_runs_of_layers_are_counted() {
        assert_eq!(network_name(&[7, 128, 128, 128, 128, 128, 128, 1]), "7-6×128-1");
        assert_eq!(network_name(&[7, 3, 3, 1, 2, 2, 2, 1]), "7-3-3-1-2-2-2-1");
        assert_eq!(network_name(&[]), "");
    }

    #[test]
    fn counts_keep_two_figures() {
        assert_eq!([0, 8192, 262_144, 8_388_608, 31_000_000].map(count), ["0", "8192", "262 k", "8.4 M", "31 M"]);
    }
}
