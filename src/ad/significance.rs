//! Which inputs and intermediates matter, by interval adjoints: Eqs. (2) and (3), §3.2, for any function.
//!
//! `S_y(n) = width([n]) · max|∂[y]/∂[n]|`: how far a node ranges, times how much the output can feel of it. Both factors are
//! enclosures over the whole box, so that a small score is a proof, while a large one may be overestimation (the same input
//! met twice is taken as two). Splitting the box tightens both.

use core::fmt;

use super::{Map, Tape, Var};
use crate::interval::Interval;

/// How the scores by several outputs become one.
///
/// # Examples
/// ```
/// use sobolev::ad::{Map, significance::{Analysis, Outputs}};
/// use sobolev::interval::Interval;
/// use sobolev::math::Scalar;
///
/// struct Both;
/// impl Map for Both {
///     fn outputs(&self) -> usize { 2 }
///     fn eval_into<S: Scalar>(&self, x: &[S], y: &mut [S]) {
///         (y[0], y[1]) = (x[0].scale(3.0), x[0].scale(5.0));
///     }
/// }
/// let x = [Interval::new(0.0, 1.0)?];
/// let score = |how| Analysis::new().outputs(how).run(&Both, &x).map(|found| found.nodes[0].score);
/// assert!((score(Outputs::Max)? - 5.0).abs() < 1e-12 && (score(Outputs::Sum)? - 8.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outputs {
    /// The largest: what matters to any of them.
    #[default]
    Max,
    /// Their sum.
    Sum,
}

/// A significance analysis: how outputs are aggregated and how finely the box is split.
///
/// # Examples
/// `ln(x₀ + x₁) + cos(x₀/x₁)` on [1, 10]²:
/// ```
/// use sobolev::ad::{Function, significance::Analysis};
/// use sobolev::interval::Interval;
/// use sobolev::math::Scalar;
///
/// struct Wave;
/// impl Function for Wave {
///     fn eval<S: Scalar>(&self, x: &[S]) -> S {
///         let slow = (x[0] + x[1]).ln().named("slow");
///         let fast = (x[0] / x[1]).cos().named("fast");
///         slow + fast
///     }
/// }
/// let x = [Interval::new(1.0, 10.0)?; 2];
/// let whole = Analysis::new().run(&Wave, &x)?;
/// let split = Analysis::new().bisections(10).run(&Wave, &x)?;
/// println!("{split}");
///
/// // Either term reaches the output unscaled, so that its score is its width: ln 20 − ln 2, and 2.
/// let score = |name| split.nodes.iter().find(|node| node.name == name).map(|node| node.score).unwrap();
/// assert!((score("slow") - 10_f64.ln()).abs() < 1e-12);
/// assert!((score("fast") - 2.0).abs() < 1e-12);
/// // Splitting tightens what is known about the inputs, whose two effects are correlated.
/// assert!(split.nodes[1].score < whole.nodes[1].score);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Analysis {
    outputs: Outputs,
    bisections: u32,
}

/// What an analysis found.
///
/// # Examples
/// ```
/// use sobolev::ad::{Function, significance::Analysis};
/// use sobolev::interval::Interval;
/// use sobolev::math::Scalar;
///
/// struct Line;
/// impl Function for Line {
///     fn eval<S: Scalar>(&self, x: &[S]) -> S {
///         x[0].named("dull") + x[1].named("steep").scale(7.0)
///     }
/// }
/// let found = Analysis::new().run(&Line, &[Interval::new(0.0, 1.0)?; 2])?;
/// let names: Vec<_> = found.ranking().iter().map(|node| node.name.as_str()).collect();
/// assert_eq!((names, found.outputs[0].sup()), (vec!["steep", "dull"], 8.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Significance {
    /// The inputs in their order, then the named intermediates in the order they were named.
    pub nodes: Vec<Node>,
    /// How many inputs there are.
    pub inputs: usize,
    /// An enclosure of each output.
    pub outputs: Vec<Interval>,
}

/// One input or named intermediate.
///
/// # Examples
/// ```
/// use sobolev::ad::{Function, significance::Analysis};
/// use sobolev::interval::Interval;
/// use sobolev::math::Scalar;
///
/// struct Square;
/// impl Function for Square {
///     fn eval<S: Scalar>(&self, x: &[S]) -> S {
///         x[0].sqr()
///     }
/// }
/// let x = Interval::new(1.0, 2.0)?;
/// let node = &Analysis::new().run(&Square, &[x])?.nodes[0];
/// assert_eq!((node.name.as_str(), node.value), ("x0", x));
/// assert_eq!(node.adjoints, [Interval::new(2.0, 4.0)?]);
/// assert!(node.score >= 4.0); // the width 1 by the steepest slope
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// As the function named it; an input without a name is `x0`, `x1`, ….
    pub name: String,
    /// An enclosure of its values over the box.
    pub value: Interval,
    /// An enclosure of the derivative of each output by it.
    pub adjoints: Vec<Interval>,
    /// Eq. (2): an upper bound of width times largest derivative, over outputs by maximum or sum.
    /// Infinite where a jump may lie in the box.
    pub score: f64,
}

/// A box on which the function is not defined.
///
/// # Examples
/// ```
/// use sobolev::ad::{Function, significance::Analysis};
/// use sobolev::interval::Interval;
/// use sobolev::math::Scalar;
///
/// struct Root;
/// impl Function for Root {
///     fn eval<S: Scalar>(&self, x: &[S]) -> S {
///         x[0].sqrt().named("root").sin()
///     }
/// }
/// let error = Analysis::new().run(&Root, &[Interval::new(-2.0, -1.0)?]).unwrap_err();
/// assert_eq!(error.to_string(), "root is defined nowhere in the box, or in a part of it");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignificanceError {
    /// An input is the empty interval.
    EmptyInput {
        /// Which.
        input: usize,
    },
    /// A named intermediate or an output has no value anywhere in the box, or in one of the boxes it was split into.
    Undefined {
        /// Its name.
        name: String,
    },
}

impl fmt::Display for SignificanceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyInput { input } => write!(f, "input {input} is empty"),
            Self::Undefined { name } => write!(f, "{name} is defined nowhere in the box, or in a part of it"),
        }
    }
}

impl core::error::Error for SignificanceError {}

impl Analysis {
    /// Of the box as a whole, by the largest output.
    pub fn new() -> Self {
        Self::default()
    }

    /// Aggregates the scores by several outputs so.
    pub fn outputs(self, outputs: Outputs) -> Self {
        Self { outputs, ..self }
    }

    /// Bisects so often, into `2^bisections` boxes, each along the input that scores highest on it.
    pub fn bisections(self, bisections: u32) -> Self {
        Self { bisections, ..self }
    }

    /// Scores every input and named intermediate of `f` over the box `x`.
    ///
    /// # Guarantee
    /// Values and adjoints are enclosures over the box; scores are upper bounds.
    ///
    /// # Errors
    /// [`SignificanceError`] if `f` is not defined on the box.
    pub fn run(&self, f: &impl Map, x: &[Interval]) -> Result<Significance, SignificanceError> {
        if let Some(input) = x.iter().position(|x| x.is_empty()) {
            return Err(SignificanceError::EmptyInput { input });
        }
        let mut found = None;
        self.visit(f, x, self.bisections, &mut Tape::new(), &mut found)?;
        Ok(found.expect("at least one box is visited"))
    }

    /// Joins to `found` what holds on the box, or on its halves.
    fn visit(
        &self,
        f: &impl Map,
        x: &[Interval],
        bisections: u32,
        tape: &mut Tape<Interval>,
        found: &mut Option<Significance>,
    ) -> Result<(), SignificanceError> {
        let mut here = examine(f, x, tape)?;
        here.score(self.outputs);
        if bisections > 0 && !x.is_empty() {
            let axis = here.widest_axis();
            for half in halves(x[axis]) {
                let mut part = x.to_vec();
                part[axis] = half;
                self.visit(f, &part, bisections - 1, tape, found)?;
            }
        } else if let Some(found) = found {
            found.join(here);
            found.score(self.outputs);
        } else {
            *found = Some(here);
        }
        Ok(())
    }
}

/// Values and adjoints on one box; scores are still to be computed.
fn examine(f: &impl Map, x: &[Interval], tape: &mut Tape<Interval>) -> Result<Significance, SignificanceError> {
    tape.clear();
    tape.start_trace();
    let inputs: Vec<_> = x.iter().map(|&x| tape.input(x)).collect();
    let mut outputs = vec![Var::fixed(Interval::ZERO); f.outputs()];
    f.eval_into(&inputs, &mut outputs);
    let adjoints: Vec<_> = outputs.iter().map(|&y| tape.adjoints([(y, Interval::ONE)])).collect();
    let node = |name, x: Var<'_, _>| Node {
        name,
        value: x.value(),
        adjoints: adjoints.iter().map(|bar| bar.of(x)).collect(),
        score: 0.0,
    };
    let mut nodes: Vec<_> = (0..).zip(&inputs).map(|(i, &x)| node(format!("x{i}"), x)).collect();
    for (name, x) in tape.end_trace() {
        match inputs.iter().position(|input| input.node() == x.node()) {
            Some(input) => nodes[input].name = name,
            None => nodes.push(node(name, x)),
        }
    }
    let outputs: Vec<_> = outputs.iter().map(|y| y.value()).collect();
    if let Some(node) = nodes.iter().find(|node| node.value.is_empty()) {
        return Err(SignificanceError::Undefined { name: node.name.clone() });
    }
    if let Some(output) = outputs.iter().position(|y| y.is_empty()) {
        return Err(SignificanceError::Undefined { name: format!("output {output}") });
    }
    Ok(Significance { nodes, inputs: x.len(), outputs })
}

/// Two boxes that together are one.
fn halves(x: Interval) -> [Interval; 2] {
    let middle = x.mid();
    [(x.inf(), middle), (middle, x.sup())].map(|(low, high)| Interval::new(low, high).expect("the middle lies between"))
}

impl Significance {
    /// The nodes, highest score first.
    pub fn ranking(&self) -> Vec<&Node> {
        let mut ranking: Vec<_> = self.nodes.iter().collect();
        ranking.sort_by(|a, b| b.score.total_cmp(&a.score));
        ranking
    }

    /// What holds on both boxes.
    fn join(&mut self, other: Self) {
        assert_eq!(self.nodes.len(), other.nodes.len(), "a function names the same intermediates every time");
        for (node, other) in self.nodes.iter_mut().zip(other.nodes) {
            node.value = node.value.hull(other.value);
            node.adjoints.iter_mut().zip(other.adjoints).for_each(|(bar, other)| *bar = bar.hull(other));
        }
        self.outputs.iter_mut().zip(other.outputs).for_each(|(y, other)| *y = y.hull(other));
    }

    fn score(&mut self, outputs: Outputs) {
        for node in &mut self.nodes {
            let width = node.value.width();
            let by_output = node.adjoints.iter().map(|bar| product_up(width, bar.mag()));
            node.score = match outputs {
                Outputs::Max => by_output.fold(0.0, f64::max),
                Outputs::Sum => by_output.fold(0.0, sum_up),
            };
        }
    }

    /// The input whose range matters most; the widest of several that matter without bound.
    fn widest_axis(&self) -> usize {
        let key = |i: usize| (self.nodes[i].score, self.nodes[i].value.width());
        let order = |a: (f64, f64), b: (f64, f64)| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1));
        (0..self.inputs).max_by(|&i, &j| order(key(i), key(j))).expect("there is an input")
    }
}

/// `a·b` rounded up, for a, b ≥ 0; what does not vary has no influence, however steep.
fn product_up(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { 0.0 } else { (a * b).next_up() }
}

/// `a + b` rounded up, for a, b ≥ 0; exact where one is zero.
fn sum_up(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { a + b } else { (a + b).next_up() }
}

impl fmt::Display for Significance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.nodes.iter().map(|node| node.name.chars().count()).fold(4, usize::max);
        writeln!(f, "{:width$}  {:>11}  {:>11}  {:>11}  {:>10}", "node", "from", "to", "|adjoint|", "score")?;
        for node in self.ranking() {
            let steepest = node.adjoints.iter().fold(0.0, |most, bar| f64::max(most, bar.mag()));
            let (low, high) = (node.value.inf(), node.value.sup());
            writeln!(f, "{:width$}  {low:11.4}  {high:11.4}  {steepest:11.4}  {:10.4}", node.name, node.score)?;
        }
        Ok(())
    }
}
