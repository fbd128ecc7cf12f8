//! How tightly: the four enclosures, and splitting.

use core::fmt;
use core::str::FromStr;

/// How ranges of nodes and of adjoints over a box are bounded. All are enclosures, proved and rounded outward.
///
/// | | values | adjoints | cost, 6×128, one box |
/// |---|---|---|---|
/// | [`Interval`](Self::Interval) | `[k] = W[n] + b`, `[n] = σ([k])` | `[z̄] = σ′([k])·[n̄]`, `[n̄] = Wᵀ[z̄]` | 1 |
/// | [`Ball`](Self::Ball) | met with norms of the deviation from the centre of the box | likewise | 2 |
/// | [`Linear`](Self::Linear) | met with linear bounds, substituted back to the inputs | linear bounds, substituted up to the output | hundreds |
/// | [`Both`](Self::Both) | met with both | met with both | hundreds |
///
/// Interval arithmetic alone is inclusion isotonic: over a part of a box it gives part of the result (up to rounding). The
/// others need not be: their choices of slopes and norms depend on the box. Over small boxes all come close to the truth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Enclosure {
    /// Interval arithmetic, forward and adjoint (§3.1, Table 1): the paper's.
    #[default]
    Interval,
    /// Interval arithmetic met with bounds in the Euclidean norm: errors in different nodes do not all add up.
    Ball,
    /// Interval arithmetic met with linear relaxations: what cancels between nodes, cancels in the bounds.
    Linear,
    /// All three, each from the others' results layer by layer.
    Both,
}

impl Enclosure {
    /// All of them, in the order of the declaration.
    pub const ALL: [Self; 4] = [Self::Interval, Self::Ball, Self::Linear, Self::Both];

    /// The name that the command line uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interval => "interval",
            Self::Ball => "ball",
            Self::Linear => "linear",
            Self::Both => "both",
        }
    }

    pub(super) const fn ball(self) -> bool {
        matches!(self, Self::Ball | Self::Both)
    }
    pub(super) const fn linear(self) -> bool {
        matches!(self, Self::Linear | Self::Both)
    }
}

impl fmt::Display for Enclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An enclosure over so many boxes that cover the domain: `interval`, `both`, `linear/64`.
///
/// The domain is bisected where it matters most, see [`Cover`](super::Cover); what is said of it is the hull over the parts.
///
/// # Examples
/// ```
/// use sobolev::significance::{Enclosure, Method};
/// let method: Method = "both/128".parse()?;
/// assert_eq!(method, Method { enclosure: Enclosure::Both, boxes: 128 });
/// assert!("both/0".parse::<Method>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Method {
    /// How each box is bounded.
    pub enclosure: Enclosure,
    /// How many boxes, at least 1.
    pub boxes: usize,
}

impl Default for Method {
    /// The paper's: interval arithmetic over the whole domain.
    fn default() -> Self {
        Self { enclosure: Enclosure::Interval, boxes: 1 }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.boxes == 1 { self.enclosure.fmt(f) } else { write!(f, "{}/{}", self.enclosure, self.boxes) }
    }
}

/// More would take hours.
const MOST_BOXES: usize = 1 << 24;

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, boxes) = text.split_once('/').unwrap_or((text, "1"));
        let enclosure = Enclosure::ALL
            .into_iter()
            .find(|e| e.name() == name)
            .ok_or_else(|| format!("expected interval, ball, linear or both, found `{name}`"))?;
        let boxes = boxes
            .parse()
            .ok()
            .filter(|n| (1..=MOST_BOXES).contains(n))
            .ok_or_else(|| format!("expected 1 to {MOST_BOXES} boxes, found `{boxes}`"))?;
        Ok(Self { enclosure, boxes })
    }
}
