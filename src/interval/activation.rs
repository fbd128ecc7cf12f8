//! Range enclosures of the activation functions and their first three derivatives.
//!
//! Everything comes from `t = −|x|` and `e = eᵗ ≤ 1`: with `σ(t) = e/(1+e)`, `w = σ(−t) = 1/(1+e)`, `p = σσ̄ = σw` and
//! `q = 1 − 2σ(t) = (1−e)/(1+e)`,
//!
//! | order | sigmoid | SiLU | softplus |
//! |---|---|---|---|
//! | 0 | `σ` | `xσ` | `ln(1+eˣ)` |
//! | 1 | `p` | `σ + xp` | `σ` |
//! | 2 | `pq` | `p(2 + xq)` | `p` |
//! | 3 | `p(1−6p)` | `p(3q + x(1−6p))` | `pq` |
//!
//! each even, odd, or complemented in `x`; and `tanh x = 1 − 2σ(−2x)` has 4, 8 and 16 times the derivatives of σ at `2x`.
//! Between its critical points a function is monotone, so that its range is the hull of its values at the ends and at the
//! critical points between them.

use super::Interval;
use super::directed::mul_down;
use super::double::{Double, MARGIN};
use super::exact::scale;
use super::exponential::{exp_parts, power_of_two};
use super::logarithm::ln_1p;
use super::monotone::{Bounds, increasing, negated, on_side};
use crate::math::Activation;

impl Interval {
    /// Range of an activation function (`order` 0) or of its first three derivatives.
    ///
    /// ReLU's derivative is `[0, 1]` on any interval that touches the kink, its second and third are then
    /// [`ENTIRE`](Self::ENTIRE): `[0, 0]` would certify that nothing bends there.
    ///
    /// # Guarantee
    /// Encloses; the value within 4 ulp of the range, derivatives within 4 ulp or 2⁻⁵⁰, whichever is larger.
    ///
    /// # Panics
    /// If `order` exceeds 3.
    ///
    /// # Examples
    /// ```
    /// use sobolev::{interval::Interval, math::Activation};
    /// let x = Interval::new(-2.0, 0.5)?;
    /// let y = x.activation(Activation::Silu, 0);
    /// assert!(y.inf() < -0.27846 && y.inf() > -0.27847); // the minimum is inside, at −1.278
    /// assert_eq!(x.activation(Activation::Relu, 1), Interval::new(0.0, 1.0)?);
    /// # Ok::<(), sobolev::interval::InvalidInterval>(())
    /// ```
    #[track_caller]
    pub fn activation(self, function: Activation, order: usize) -> Self {
        assert!(order <= 3, "activation functions have three derivatives here, not {order}");
        if self.is_empty() {
            return Self::EMPTY;
        }
        match (function, order) {
            (Activation::Identity, _) => [self, Self::ONE, Self::ZERO, Self::ZERO][order],
            (Activation::Relu, _) => self.relu(order),
            (Activation::Tanh, 0) => self.tanh(),
            (Activation::Tanh, _) => {
                let scale = [1.0, 4.0, 8.0, 16.0][order];
                let doubled = Self { lo: 2.0 * self.lo, hi: 2.0 * self.hi };
                let range = doubled.between_critical_points(sigmoid_critical(order), |x| sigmoid(order, x));
                Self { lo: scale * range.lo, hi: scale * range.hi }
            }
            (Activation::Sigmoid, _) => self.between_critical_points(sigmoid_critical(order), |x| sigmoid(order, x)),
            (Activation::Softplus, 0) => increasing(self, softplus),
            (Activation::Softplus, _) => self.activation(Activation::Sigmoid, order - 1),
            (Activation::Silu, _) => self.between_critical_points(SILU_CRITICAL[order], |x| silu(order, x)),
        }
    }

    fn relu(self, order: usize) -> Self {
        let kink = self.contains(0.0);
        match order {
            0 => self.max(Self::ZERO),
            1 if kink => Self::raw(0.0, 1.0),
            1 if self.lo > 0.0 => Self::ONE,
            2 | 3 if kink => Self::ENTIRE,
            _ => Self::ZERO,
        }
    }

    /// Hull of the values at the ends and at those critical points that may lie between them.
    ///
    /// A critical point is given by its nearest double. There the function differs from its extremum by the square of
    /// half an ulp, of the order of 2⁻¹⁰⁶ and inside the margin of its bounds.
    fn between_critical_points(self, critical: &[f64], f: impl Fn(f64) -> Bounds) -> Self {
        let (lo, hi) = f(self.lo);
        if self.is_point() {
            return Self { lo, hi };
        }
        let mut range = Self { lo, hi };
        let (lo, hi) = f(self.hi);
        range = range.hull(Self { lo, hi });
        for &x in critical {
            if self.lo <= x.next_up() && x.next_down() <= self.hi {
                let (lo, hi) = f(x);
                range = range.hull(Self { lo, hi });
            }
        }
        range
    }
}

/// Critical points of σ and its derivatives: none; 0; ±ln(2+√3); 0 and ±ln(5+2√6).
fn sigmoid_critical(order: usize) -> &'static [f64] {
    [&[] as &[f64], &[0.0], &[-1.3169578969248168, 1.3169578969248168], &[-2.2924316695611777, 0.0, 2.2924316695611777]]
        [order]
}

/// Critical points of SiLU and its derivatives: the zeros of the next derivative. The oracle tests check that these are all
/// (signs between them) and that each is the nearest double.
const SILU_CRITICAL: [&[f64]; 4] = [
    &[-1.278464542761074],
    &[-2.3993572805154675, 2.3993572805154675],
    &[-3.435840993535111, 0.0, 3.435840993535111],
    &[-4.429235100557228, -1.0319582417807491, 1.0319582417807491, 4.429235100557228],
];

/// The quantities of the table at `t = −|x|`. `v` and `p` are to be multiplied by `2ⁿ`, `n ≤ 0`.
struct Parts {
    t: f64,
    n: i32,
    /// σ(t)/2ⁿ
    v: Double,
    /// σ(−t)
    w: Double,
    /// σ′(t)/2ⁿ
    p: Double,
    q: Double,
}

/// Beyond it every activation and derivative is within the least double of its limit, or of `x` itself.
const FAR: f64 = 2000.0;

impl Parts {
    fn at(x: f64) -> Self {
        let t = -x.abs().min(FAR);
        let (r, n) = exp_parts(Double::new(t));
        let m = Double::ONE + r;
        let (e, em1) = if n < -200 {
            // 2⁻²⁰⁰ beside 1.
            (Double::new(0.0), Double::new(-1.0))
        } else {
            let scale = power_of_two(n);
            (m.scaled(scale), r.scaled(scale) + Double::sum(scale, -1.0))
        };
        let w = Double::ONE / (Double::ONE + e);
        let v = m * w;
        Self { t, n, v, w, p: v * w, q: -em1 * w }
    }

    /// `1 − 6p`
    fn one_minus_6p(&self) -> Double {
        let p = if self.n < -200 { Double::new(0.0) } else { self.p.scaled(power_of_two(self.n)) };
        Double::ONE - p * Double::new(6.0)
    }

    /// Bounds of `(value ± 2⁻⁶⁴ size)·2ⁿ`, where `size` bounds the terms that `value` was summed from. The further 2⁻⁹⁰⁰
    /// covers underflow in these terms.
    fn scaled(&self, value: Double, size: f64) -> Bounds {
        let error = MARGIN * size + power_of_two(-900);
        (scale(value.down_by(error), self.n, false), scale(value.up_by(error), self.n, true))
    }
}

fn sigmoid(order: usize, x: f64) -> Bounds {
    if x == 0.0 {
        let value = [0.5, 0.25, 0.0, -0.125][order];
        return (value, value);
    }
    let at = Parts::at(x);
    match order {
        0 if x > 0.0 => {
            let (lo, hi) = at.w.bounds();
            (lo.max(0.5), hi.min(1.0))
        }
        0 => on_side(at.scaled(at.v, 1.0), false, 0.5),
        1 => {
            let (lo, hi) = at.scaled(at.p, 1.0);
            (lo, hi.min(0.25))
        }
        2 => {
            let value = at.p * at.q;
            let bounds = at.scaled(value, value.hi.abs());
            if x > 0.0 { negated(bounds) } else { bounds }
        }
        // Least at 0.
        _ => on_side(at.scaled(at.p * at.one_minus_6p(), at.p.hi), true, -0.125),
    }
}

fn silu(order: usize, x: f64) -> Bounds {
    if x == 0.0 {
        let value = [0.0, 0.5, 0.5, 0.0][order];
        return (value, value);
    }
    let at = Parts::at(x);
    let t = Double::new(at.t);
    match order {
        // x(1 − σ(−x)), and σ(−x) is below 2⁻²⁸⁰⁰.
        0 if x >= FAR => (x.next_down(), x),
        // x/2 + x²/4 − …
        0 if x.abs() < power_of_two(-400) => {
            let half = mul_down(0.5, x);
            (half, half.next_up())
        }
        0 if x > 0.0 => {
            let (lo, hi) = (t * -at.w).bounds();
            (lo, hi.min(x))
        }
        0 => {
            let value = t * at.v;
            at.scaled(value, value.hi.abs())
        }
        1 => {
            // σ(t)(1 + t·σ(−t)), and 1 − that on the positive side.
            let value = at.v * (Double::ONE + t * at.w);
            let size = at.v.hi * (1.0 - at.t);
            if x <= 0.0 {
                return on_side(at.scaled(value, size), false, 0.5);
            }
            let small = if at.n < -200 { Double::new(0.0) } else { value.scaled(power_of_two(at.n)) };
            let value = Double::ONE - small;
            on_side((value.down_by(2.0 * MARGIN), value.up_by(2.0 * MARGIN)), true, 0.5)
        }
        // Greatest at 0.
        2 => on_side(at.scaled(at.p * (Double::new(2.0) + t * at.q), at.p.hi * (2.0 - at.t)), false, 0.5),
        _ => {
            let value = at.p * (Double::new(3.0) * at.q + t * at.one_minus_6p());
            let bounds = at.scaled(value, at.p.hi * -8.0 * at.t);
            if x > 0.0 { negated(bounds) } else { bounds }
        }
    }
}

fn softplus(x: f64) -> Bounds {
    if x >= FAR {
        return (x, x.next_up().min(f64::MAX));
    }
    let at = Parts::at(x);
    if x > 0.0 {
        let value = if at.n < -200 { Double::new(x) } else { Double::new(x) + ln_1p(at.exponential()) };
        let (lo, hi) = value.bounds();
        (lo.max(x), hi)
    } else if at.n < -200 {
        // ln(1 + e) = e(1 − e/2 + …)
        at.scaled(at.v, 1.0)
    } else {
        ln_1p(at.exponential()).bounds()
    }
}

impl Parts {
    /// `eᵗ`, for `n ≥ −200`.
    fn exponential(&self) -> Double {
        (self.v / self.w).scaled(power_of_two(self.n))
    }
}
