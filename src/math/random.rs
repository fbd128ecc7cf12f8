//! Random streams: the same seed gives the same bits, on any number of threads and on any machine.
//!
//! A seed and a [`Purpose`] start a sequence of xoshiro256++ [`Streams`], 2¹²⁸ numbers apart, one for each chunk of work;
//! [`Normals`] turns one of them into standard normals, eight abreast. Nothing depends on which thread does which chunk.

use pulp::{Arch, Simd, WithSimd};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

use super::{Contract, Separate};

/// The generator of one stream.
pub type Generator = Xoshiro256PlusPlus;

/// What random numbers are for. Each purpose has a universe of its own (2¹⁹² numbers), so that drawing more of one kind,
/// or in another order, never changes another kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
// New ones go last: the order is part of what a seed means.
pub enum Purpose {
    /// Parameters of a random reference model.
    Model,
    /// Training inputs and paths.
    Training,
    /// Held-out points, for choosing between models and for stopping.
    HeldOut,
    /// Test points, for reporting only.
    Test,
    /// Starting parameters of networks.
    Initialisation,
    /// Order of samples in minibatches.
    Shuffle,
    /// Directions of second-order derivatives.
    Directions,
    /// Pruning at random, and sampled significance.
    Pruning,
}

/// A sequence of generators that never overlap: 2⁶⁴ of them for each purpose, each 2¹²⁸ numbers long.
///
/// ```
/// use sobolev::math::random::{Purpose, Streams};
/// let mut streams = Streams::new(7, Purpose::Training);
/// let (a, b) = (streams.next(), streams.next());
/// assert_ne!(a, b);
/// assert_eq!(a, Streams::new(7, Purpose::Training).next());
/// assert_ne!(a, Streams::new(7, Purpose::Test).next());
/// ```
#[derive(Clone, Debug)]
pub struct Streams {
    next: Generator,
    batch: Vec<Generator>,
}

/// Whether the same generators are next.
impl PartialEq for Streams {
    fn eq(&self, other: &Self) -> bool {
        self.next == other.next
    }
}

impl Streams {
    /// The streams of a seed for one purpose.
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        let mut next = Generator::seed_from_u64(seed);
        for _ in 0..purpose as u32 {
            next.long_jump();
        }
        Self { next, batch: Vec::new() }
    }

    /// The same streams from here on, to be drawn again; allocates nothing.
    pub(crate) fn mark(&self) -> Self {
        Self { next: self.next.clone(), batch: Vec::new() }
    }

    /// The next `count` generators, in memory that later calls use again.
    pub fn batch(&mut self, count: usize) -> &[Generator] {
        let mut batch = core::mem::take(&mut self.batch);
        batch.clear();
        batch.extend(self.by_ref().take(count));
        self.batch = batch;
        &self.batch
    }
}

impl Iterator for Streams {
    type Item = Generator;
    fn next(&mut self) -> Option<Generator> {
        let current = self.next.clone();
        self.next.jump();
        Some(current)
    }
}

/// How many normals [`Normals::draw`] gives at once.
pub const LANES: usize = 8;
/// Generators that run side by side; one refill steps each of them twice.
const WIDTH: usize = 64;
/// Vectors that a refill makes.
const VECTORS: usize = 2 * WIDTH / LANES;

/// Standard normals, eight abreast, by the Box–Muller transform over 64 xoshiro256++ generators in lanes.
///
/// The generators start from 256-bit states that the given one draws. Uniforms have 52 bits, so that no normal exceeds 8.5;
/// logarithm, sine and cosine are branch-free polynomials, good to 10⁻¹¹, far below what any sample could show. No operation
/// is fused, so the bits are those of every machine. 0.64 ns a normal against 1.63 by a scalar ziggurat on one Zen 5 core.
///
/// ```
/// use sobolev::math::random::{Normals, Purpose, Streams};
/// let mut streams = Streams::new(7, Purpose::Training);
/// let mut normals = Normals::new(&mut streams.next().unwrap());
/// let sum: f64 = (0..1000).map(|_| normals.draw().iter().sum::<f64>()).sum();
/// assert!((sum / 8000.0).abs() < 4.0 / 8000_f64.sqrt());
/// ```
#[derive(Clone, Debug)]
#[repr(align(64))] // so that no register straddles two cache lines
pub struct Normals {
    state: [[u64; WIDTH]; 4],
    /// What the last refill made, of which `used` vectors are drawn.
    ready: [[f64; WIDTH]; 2],
    used: usize,
    arch: Arch,
}

impl Normals {
    /// The normals that `generator` stands for.
    pub fn new(generator: &mut Generator) -> Self {
        use rand::Rng as _;
        let mut state = [[0; WIDTH]; 4];
        for word in state.as_flattened_mut() {
            *word = generator.next_u64();
        }
        Self { state, ready: [[0.0; WIDTH]; 2], used: VECTORS, arch: Arch::new() }
    }

    /// The next eight.
    #[inline(always)]
    pub fn draw(&mut self) -> [f64; LANES] {
        if self.used == VECTORS {
            self.refill();
        }
        let drawn = self.ready.as_flattened().as_chunks().0[self.used];
        self.used += 1;
        drawn
    }

    /// The next eight for each of `out`.
    #[inline(always)]
    pub(crate) fn draw_each<'a>(&mut self, out: impl Iterator<Item = &'a mut [f64; LANES]>) {
        // The count stays in a register here: through memory, from one vector to the next, it is what one would wait for.
        let mut used = self.used;
        for vector in out {
            if used == VECTORS {
                self.refill();
                used = 0;
            }
            *vector = self.ready.as_flattened().as_chunks().0[used];
            used += 1;
        }
        self.used = used;
    }

    /// Fills `out`; the last vector drawn is cut where `out` ends.
    pub fn fill(&mut self, out: &mut [f64]) {
        let (whole, rest) = out.as_chunks_mut();
        self.draw_each(whole.iter_mut());
        if !rest.is_empty() {
            rest.copy_from_slice(&self.draw()[..rest.len()]);
        }
    }

    #[inline(never)]
    fn refill(&mut self) {
        self.used = 0;
        self.arch.dispatch(Refill { state: &mut self.state, out: &mut self.ready });
    }
}

/// One dispatch for 128 normals, so that the loop is compiled for the vectors that the machine has.
struct Refill<'a> {
    state: &'a mut [[u64; WIDTH]; 4],
    out: &'a mut [[f64; WIDTH]; 2],
}

impl WithSimd for Refill<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let [a, b, c, d] = self.state;
        let [first, second] = self.out;
        // One loop after the other: short chains of dependent operations overlap better than one long one. In between random
        // bits, then squares of lengths and bits, stand where the normals will.
        for l in 0..WIDTH {
            let mut s = [a[l], b[l], c[l], d[l]];
            [first[l], second[l]] = [step(&mut s), step(&mut s)].map(f64::from_bits);
            [a[l], b[l], c[l], d[l]] = s;
        }
        for l in 0..WIDTH {
            first[l] = square_of_length(Separate, first[l].to_bits());
        }
        for l in 0..WIDTH {
            [first[l], second[l]] = point(Separate, first[l].sqrt(), second[l].to_bits());
        }
    }
}

/// One step of xoshiro256++ (Blackman and Vigna).
#[inline(always)]
fn step(s: &mut [u64; 4]) -> u64 {
    let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
    let t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3].rotate_left(45);
    result
}

/// The high 52 bits as a number in [1, 2).
#[inline(always)]
fn one_to_two(bits: u64) -> f64 {
    f64::from_bits((bits >> 12) | 1f64.to_bits())
}

/// Two independent standard normals from 128 random bits.
///
/// With `u` uniform in (0, 1] and `r` in [−π/4, π/4), the point `√(−ln u)·(cos r + sin r, cos r − sin r)` is that of Box and
/// Muller at the angle `π/4 − r`, which stays in the first quadrant; two bits left over choose the quadrant.
#[cfg(test)]
fn box_muller<C: Contract>(c: C, radius: u64, angle: u64) -> [f64; 2] {
    point(c, square_of_length(c, radius).sqrt(), angle)
}

/// `−ln u`.
#[inline(always)]
fn square_of_length<C: Contract>(c: C, radius: u64) -> f64 {
    minus_ln(c, 2.0 - one_to_two(radius))
}

/// The point at a distance and an angle.
#[inline(always)]
fn point<C: Contract>(c: C, length: f64, angle: u64) -> [f64; 2] {
    let r = (one_to_two(angle) - 1.5) * std::f64::consts::FRAC_PI_2;
    let (sine, cosine) = sin_cos(c, r);
    let sign = |x: f64, bits: u64| f64::from_bits(x.to_bits() | (bits & 1 << 63));
    [sign(length * (cosine + sine), angle << 63), sign(length * (cosine - sine), angle << 62)]
}

/// `−ln x` of a normal positive number, within 10⁻¹¹ of itself; where x is at most 1, 0 or above and never −0.
///
/// `x = 2ᵉm` with `m` in [√½, √2), `ln m = 2 artanh f`, `f = (m−1)/(m+1)`: the odd series to f¹³, in Estrin's order.
#[inline(always)]
fn minus_ln<C: Contract>(c: C, x: f64) -> f64 {
    // Adding and subtracting 1.5·2⁵² turns a small integer in the low bits into a number.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    let bits = x.to_bits();
    let exponent = (bits.wrapping_sub(std::f64::consts::FRAC_1_SQRT_2.to_bits()) as i64) >> 52;
    let m = f64::from_bits(bits.wrapping_sub((exponent as u64) << 52));
    let minus_e = SHIFT - f64::from_bits((exponent as u64).wrapping_add(SHIFT.to_bits()));
    let f = (m - 1.0) / (m + 1.0);
    let g = f * f; // at most 0.0295
    let q = g * g;
    let pair = |i: f64, j: f64| c.mul_add(g, 2.0 / j, 2.0 / i);
    let high = c.mul_add(q, 2.0 / 13.0, pair(9.0, 11.0));
    let sum = c.mul_add(c.mul_add(high, q, pair(5.0, 7.0)), q, pair(1.0, 3.0));
    c.mul_add(minus_e, std::f64::consts::LN_2, -(sum * f))
}

/// Sine and cosine on [−π/4, π/4], within 10⁻¹¹: Taylor to r¹³ and r¹⁴, in Estrin's order.
#[inline(always)]
fn sin_cos<C: Contract>(c: C, r: f64) -> (f64, f64) {
    let g = r * r;
    let q = g * g;
    let pair = |i: f64, j: f64| c.mul_add(g, 1.0 / j, 1.0 / i);
    let high = c.mul_add(q, 1.0 / 6_227_020_800.0, pair(362_880.0, -39_916_800.0));
    let sine = r * c.mul_add(c.mul_add(high, q, pair(120.0, -5040.0)), q, pair(1.0, -6.0));
    let high = c.mul_add(q, pair(479_001_600.0, -87_178_291_200.0), pair(40_320.0, -3_628_800.0));
    let cosine = c.mul_add(c.mul_add(high, q, pair(24.0, -720.0)), q, pair(1.0, -2.0));
    (sine, cosine)
}

#[cfg(test)]
mod tests {
    use rand::Rng as _;

    use super::*;
    use crate::math::normal::cdf;

    fn generator(seed: u64) -> Generator {
        Streams::new(seed, Purpose::Training).next().expect("streams never end")
    }

    /// Each lane is the published generator: bit for bit the crate's, from the same state.
    #[test]
    fn lanes_step_as_the_generator() {
        let mut reference = generator(3);
        let mut words = [0; 4];
        words.iter_mut().for_each(|w| *w = reference.next_u64());
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        let mut reference = Generator::from_seed(bytes.try_into().expect("four words are 32 bytes"));
        for _ in 0..1000 {
            assert_eq!(step(&mut words), reference.next_u64());
        }
    }

    #[test]
    fn elementary_functions_agree_with_libm() {
        let mut bits = generator(4);
        for _ in 0..100_000 {
            let u = 2.0 - one_to_two(bits.next_u64());
            assert!((minus_ln(Separate, u) + libm::log(u)).abs() <= 1e-11 * libm::log(u).abs(), "ln {u}");
            let r = (u - 0.5) * std::f64::consts::FRAC_PI_2;
            let (sine, cosine) = sin_cos(Separate, r);
            assert!((sine - libm::sin(r)).abs() < 1e-11 && (cosine - libm::cos(r)).abs() < 1e-11, "sin and cos of {r}");
        }
        // A length of nought has no sign, or its root would have one too.
        assert_eq!(square_of_length(Separate, 0).to_bits(), 0);
        assert_eq!(box_muller(Separate, 0, 0), [0.0, 0.0]);
        assert!(box_muller(Separate, u64::MAX, 1 << 62).iter().all(|z| z.is_finite() && z.abs() < 8.6));
    }

    /// Moments within five standard errors, and the Kolmogorov–Smirnov distance below 2.2/√n: a right sampler fails one
    /// seed in 10⁴; the seed is fixed.
    #[test]
    fn normals_are_normal() {
        let n = 1_000_000;
        let mut z = vec![0.0; n];
        Normals::new(&mut generator(5)).fill(&mut z);
        let root = (n as f64).sqrt();
        // E z^k and Var z^k = E z^2k − (E z^k)².
        for (k, mean, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0), (6, 15.0, 10_170.0)] {
            let moment = z.iter().map(|z| z.powi(k)).sum::<f64>() / n as f64;
            assert!((moment - mean).abs() < 5.0 * f64::sqrt(variance) / root, "moment {k}: {moment}");
        }
        // Neighbours in a vector, sine and cosine of one angle, successive steps of one generator: all uncorrelated,
        // and so are their squares.
        for lag in [1, LANES, WIDTH, 2 * WIDTH] {
            let pairs = (n - lag) as f64;
            let products = z.iter().zip(&z[lag..]).map(|(a, b)| a * b).sum::<f64>() / pairs.sqrt();
            let squares = z.iter().zip(&z[lag..]).map(|(a, b)| (a * a - 1.0) * (b * b - 1.0)).sum::<f64>();
            assert!(
                products.abs() < 5.0 && squares.abs() / pairs.sqrt() < 5.0 * 2.0,
                "lag {lag}: {products} {squares}"
            );
        }
        z.sort_by(f64::total_cmp);
        let distance =
            z.iter().enumerate().map(|(i, &z)| (cdf(z) - (i as f64 + 0.5) / n as f64).abs()).fold(0.0, f64::max);
        assert!(distance * root < 2.2, "Kolmogorov–Smirnov distance {distance}");
        assert!(z[0] > -6.0 && z[n - 1] < 6.0 && z[0] < -4.0 && z[n - 1] > 4.0, "tails {} {}", z[0], z[n - 1]);
    }

    /// The compiled vectors change nothing: a refill through dispatch has the bits of the plain scalar functions.
    #[test]
    fn dispatch_keeps_the_bits() {
        let mut normals = Normals::new(&mut generator(6));
        let before = normals.state;
        let first = normals.draw();
        for l in 0..LANES {
            let mut s = [before[0][l], before[1][l], before[2][l], before[3][l]];
            let (radius, angle) = (step(&mut s), step(&mut s));
            assert_eq!(first[l].to_bits(), box_muller(Separate, radius, angle)[0].to_bits());
        }
    }

    /// However many are asked for at once, across refills.
    #[test]
    fn fill_gives_what_draw_gives() {
        let (mut one, mut many) = (Normals::new(&mut generator(7)), Normals::new(&mut generator(7)));
        let mut out = [0.0; 7 * LANES];
        for _ in 0..50 {
            many.fill(&mut out);
            out.as_chunks().0.iter().for_each(|vector| assert_eq!(*vector, one.draw()));
        }
    }

    #[test]
    fn a_batch_is_what_next_gives_and_purposes_differ() {
        let mut streams = Streams::new(9, Purpose::Test);
        let batch = streams.batch(3).to_vec();
        assert_eq!(batch, Streams::new(9, Purpose::Test).take(3).collect::<Vec<_>>());
        assert_eq!(streams.next(), Streams::new(9, Purpose::Test).nth(3));
        assert_ne!(Streams::new(9, Purpose::Test).next(), Streams::new(9, Purpose::Training).next());
        assert_ne!(Streams::new(9, Purpose::Test).next(), Streams::new(8, Purpose::Test).next());
    }
}
