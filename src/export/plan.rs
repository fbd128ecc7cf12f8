//! What both languages write: the layers, where the head ends, and what a reader must know.

use crate::data::{Metadata, Surrogate};
use crate::error::{Error, Result};
use crate::math::Activation;
use crate::nn::{Chain as _, Layer};

/// What the generated file says about itself besides the network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// Names of the inputs in their order; none if unknown.
    pub inputs: Vec<String>,
    /// How many of the inputs, the first ones, gamma is taken along; all if unknown. The others are parameters.
    pub spots: Option<usize>,
    /// Lowest and highest value of each input that the network was made for; none if unknown.
    pub domain: Vec<[f64; 2]>,
    /// R² of prices, deltas, gammas, …, by name.
    pub r_squared: Vec<(String, f64)>,
    /// Seeds and settings: name and text.
    pub origin: Vec<(String, String)>,
}

impl About {
    /// From the metadata of a surrogate file: `inputs`, `spots`, `domain`, `r_squared`, `seed`, `basket_seed`, `program`. Fields that are
    /// missing are left out.
    ///
    /// # Errors
    /// If a field is there but cannot be read.
    pub fn from_metadata(metadata: &Metadata) -> Result<Self> {
        let bad =
            |field: &str, e: serde_json::Error| Error::invalid(format!("metadata field `{field}`"), e.to_string());
        let line = |text: &String| text.replace(char::is_control, " ").replace("*/", "* /");
        let inputs: Vec<String> =
            metadata.get("inputs").map_or(Ok(vec![]), |t| serde_json::from_str(t)).map_err(|e| bad("inputs", e))?;
        let spots = metadata.contains_key("spots").then(|| crate::data::spots(metadata, usize::MAX)).transpose()?;
        let domain =
            metadata.get("domain").map_or(Ok(vec![]), |t| serde_json::from_str(t)).map_err(|e| bad("domain", e))?;
        let scores: serde_json::Map<String, serde_json::Value> = metadata
            .get("r_squared")
            .map_or(Ok(serde_json::Map::new()), |t| serde_json::from_str(t))
            .map_err(|e| bad("r_squared", e))?;
        let r_squared = scores.into_iter().filter_map(|(name, v)| Some((name, v.as_f64()?))).collect();
        let origin = ["program", "seed", "basket_seed", "teacher", "state"]
            .iter()
            .filter_map(|&name| Some((name.to_owned(), line(metadata.get(name)?))));
        Ok(Self { inputs: inputs.iter().map(line).collect(), spots, domain, r_squared, origin: origin.collect() })
    }
}

/// One layer with its parameters.
pub(super) struct Step {
    pub(super) layer: Layer,
    /// Rows of `fan_in`.
    pub(super) weights: Vec<f64>,
    pub(super) biases: Vec<f64>,
}

impl Step {
    pub(super) fn fan_in(&self) -> usize {
        self.layer.fan_in.0
    }
    pub(super) fn fan_out(&self) -> usize {
        self.layer.fan_out.0
    }
}

/// A network in original units, ready to be written.
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// Layers up to the first one-node layer.
    pub(super) head: usize,
    /// Inputs that gamma is taken along, the first ones.
    pub(super) spots: usize,
    /// `7 => 3 silu => 1 identity`.
    pub(super) shape: String,
}

impl Plan {
    pub(super) fn new(surrogate: &Surrogate, about: &About) -> Result<Self> {
        let network = surrogate.folded();
        let layers = network.chain().layers();
        let outputs = network.chain().outputs();
        if outputs != 1 {
            return Err(Error::invalid("network", format!("only one output can be exported, found {outputs}")));
        }
        let inputs = network.chain().inputs();
        if !about.domain.is_empty() && about.domain.len() != inputs {
            let found = about.domain.len();
            return Err(Error::invalid(
                "domain",
                format!("expected one range for each of {inputs} inputs, found {found}"),
            ));
        }
        if !about.inputs.is_empty() && about.inputs.len() != inputs {
            let found = about.inputs.len();
            return Err(Error::invalid("inputs", format!("expected {inputs} names of inputs, found {found}")));
        }
        let spots = about.spots.unwrap_or(inputs);
        if !(1..=inputs).contains(&spots) {
            return Err(Error::invalid("spots", format!("expected 1 to {inputs}, found {spots}")));
        }
        let head = 1 + layers.iter().position(|l| l.fan_out.0 == 1).expect("the output has one node");
        let steps = (0..layers.len()).map(|l| {
            let (w, b) = network.layer_params(l);
            Step { layer: layers[l], weights: w.to_vec(), biases: b.to_vec() }
        });
        Ok(Self { steps: steps.collect(), head, spots, shape: network.describe() })
    }

    pub(super) fn inputs(&self) -> usize {
        self.steps[0].fan_in()
    }
    pub(super) fn has_tail(&self) -> bool {
        self.head < self.steps.len()
    }
    /// The activations there are, each once.
    pub(super) fn activations(&self) -> Vec<Activation> {
        Activation::ALL.into_iter().filter(|&a| self.steps.iter().any(|s| s.layer.activation == a)).collect()
    }

    /// The comment at the head of a file, line by line.
    pub(super) fn preamble(&self, about: &About) -> Vec<String> {
        let mut lines = vec![
            format!("Surrogate network {}, in original units: nothing is to be scaled.", self.shape),
            String::new(),
            format!("Inputs    x[0] … x[{}], in the order of the training data, in its units", self.inputs() - 1),
            "Price     in the units of the training values".into(),
            "Delta j   price units per unit of x[j]".into(),
            match self.spots {
                all if all == self.inputs() => {
                    "Gamma     1ᵀH1, the second derivative when every input moves alike; price units per squared unit of input"
                        .into()
                }
                spots => format!(
                    "Gamma     1ᵀH1, the second derivative when x[0] … x[{}] move alike and the others stay; price units per squared unit of these",
                    spots - 1
                ),
            },
        ];
        lines.extend(about.inputs.iter().enumerate().map(|(j, name)| format!("Input     x[{j}] {name}")));
        for (j, [low, high]) in about.domain.iter().enumerate() {
            lines.push(format!("Domain    {low:?} ≤ x[{j}] ≤ {high:?}"));
        }
        lines.extend(about.r_squared.iter().map(|(name, r)| format!("R²        {name} {r:.6}")));
        lines.extend(about.origin.iter().map(|(name, text)| format!("Origin    {name} {text}")));
        lines.extend([String::new(), "Outside of the domain the network extrapolates and nothing is promised.".into()]);
        lines
    }
}
