//! Second-order labels: products of the Hessian with directions that are the same for all rows of a block.

use std::ops::Range;

use faer::Mat;

use super::{Directions, Samples, Scaling, Simulator};
use crate::error::{Error, Result};
use crate::math::random::{Generator, Purpose, Streams};
use crate::model::{Model, Payoff, Smoothing};
use crate::nn::Packed;

/// `k` directions `v` and the products `Hv` of some consecutive rows of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle<T: Packed> {
    /// Which rows.
    pub rows: Range<usize>,
    /// inputs × k.
    pub directions: Mat<T>,
    /// rows × (k·inputs), one direction after the other.
    pub products: Mat<T>,
}

impl<T: Packed> Bundle<T> {
    /// Directions whose products are still to be found.
    pub fn new(rows: Range<usize>, directions: Mat<T>) -> Self {
        let products = Mat::zeros(rows.len(), directions.nrows() * directions.ncols());
        Self { rows, directions, products }
    }
    /// k.
    pub fn count(&self) -> usize {
        self.directions.ncols()
    }
    /// The products of all rows in component `j` along direction `d`.
    pub(crate) fn column(&self, d: usize, j: usize) -> &[T] {
        self.products.col_as_slice(d * self.directions.nrows() + j)
    }
}

impl Bundle<f64> {
    /// In scaled units: the direction `v'` moves the inputs by `σₓ∘v'`, and `H'v' = σₓ∘(H·(σₓ∘v'))/σ_y`.
    fn scaled<T: Packed>(&self, scaling: &Scaling) -> Bundle<T> {
        let deviation = &scaling.input_deviation;
        let directions =
            Mat::from_fn(deviation.len(), self.count(), |j, d| T::of(self.directions[(j, d)] / deviation[j]));
        let products = Mat::from_fn(self.rows.len(), self.products.ncols(), |r, c| {
            T::of(self.products[(r, c)] / scaling.slope(c % deviation.len()))
        });
        Bundle { rows: self.rows.clone(), directions, products }
    }
}

/// Where products of the Hessian come from, all in original units: a teacher, or a reference model.
pub trait CurvatureSource {
    /// Fills the products of bundles, whose rows are blocks of so many samples, along the bundles' directions.
    ///
    /// # Errors
    /// If the source has no products for such samples.
    fn fill(&mut self, samples: &Samples, block: usize, bundles: &mut [Bundle<f64>]) -> Result<()>;
}

/// Pathwise products of a smoothed payoff, over the very paths that a simulator drew samples from.
#[derive(Debug)]
pub struct SmoothedCurvature<'a, 's, M, P> {
    /// What drew the samples.
    pub simulator: &'s Simulator<'a, M, P>,
    /// How their payoff is smoothed for its second derivatives.
    pub smoothing: Smoothing,
}

impl<M: Model, P: Payoff> CurvatureSource for SmoothedCurvature<'_, '_, M, P> {
    fn fill(&mut self, samples: &Samples, block: usize, bundles: &mut [Bundle<f64>]) -> Result<()> {
        let (n, m) = (samples.len(), samples.inputs().ncols());
        let most = bundles.iter().map(Bundle::count).max().unwrap_or(0);
        // Where a block has fewer directions, or none, its products are with zero.
        let mut directions = Mat::zeros(n.div_ceil(block), most * m);
        for bundle in &*bundles {
            for (column, v) in bundle.directions.col_iter().flat_map(|v| v.iter()).enumerate() {
                directions[(bundle.rows.start / block, column)] = *v;
            }
        }
        let mut products = Mat::zeros(n, most * m);
        let done =
            self.simulator.hessian_products_into(samples, self.smoothing, directions.as_ref(), block, &mut products);
        done.map_err(|e| Error::invalid(format!("curvature smoothing {}", self.smoothing.width()), e.to_string()))?;
        for bundle in bundles {
            let columns = bundle.products.ncols();
            bundle.products.copy_from(products.submatrix(bundle.rows.start, 0, bundle.rows.len(), columns));
        }
        Ok(())
    }
}

/// The second-order labels of a set of samples, in scaled units: blocks of equally many rows (the last may have fewer), of
/// which some have a [`Bundle`].
#[derive(Clone, Debug)]
pub struct Curvature<T: Packed> {
    rows: usize,
    bundles: Vec<Option<Bundle<T>>>,
}

/// Which batches get second-order labels, and along which directions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SecondOrder {
    /// Along which.
    pub directions: Directions,
    /// One batch in so many.
    pub every: usize,
}

/// Every batch, along its principal components.
impl Default for SecondOrder {
    fn default() -> Self {
        Self { directions: Directions::PRINCIPAL, every: 1 }
    }
}

/// Chooses directions for batch after batch, and has their products filled in.
#[derive(Clone, Debug)]
pub struct Bundler {
    choice: SecondOrder,
    rng: Generator,
    /// Batches so far, and those of them with labels.
    seen: [usize; 2],
}

impl Bundler {
    /// With random directions of a seed.
    ///
    /// # Panics
    /// If labels are to come every 0 batches.
    #[track_caller]
    pub fn new(choice: SecondOrder, seed: u64) -> Self {
        assert!(choice.every > 0, "second-order labels come every so many batches, at least 1");
        let rng = Streams::new(seed, Purpose::Directions).next().expect("streams never end");
        Self { choice, rng, seen: [0; 2] }
    }

    /// Labels for the batches of samples, of so many rows each.
    ///
    /// # Errors
    /// As the source.
    ///
    /// # Panics
    /// If the samples have no derivatives.
    #[track_caller]
    pub fn label<T: Packed>(
        &mut self,
        samples: &Samples,
        scaling: &Scaling,
        batch: usize,
        source: &mut dyn CurvatureSource,
    ) -> Result<Curvature<T>> {
        let slopes = samples.derivatives().expect("second-order labels go with derivatives");
        let (n, m) = (samples.len(), slopes.ncols());
        let batch = batch.min(n).max(1);
        let mut bundles = Vec::new();
        for start in (0..n).step_by(batch) {
            let rows = start..n.min(start + batch);
            if self.seen[0].is_multiple_of(self.choice.every) {
                // Gradients and directions in scaled units, where lengths mean something; directions then in original ones.
                let gradients = Mat::from_fn(rows.len(), m, |r, j| slopes[(start + r, j)] / scaling.slope(j));
                let v = self.choice.directions.choose(gradients.as_ref(), self.seen[1], &mut self.rng);
                let directions = Mat::from_fn(m, v.ncols(), |j, d| v[(j, d)] * scaling.input_deviation[j]);
                bundles.push(Bundle::new(rows, directions));
                self.seen[1] += 1;
            }
            self.seen[0] += 1;
        }
        source.fill(samples, batch, &mut bundles)?;
        let mut labels = Curvature::new(n, batch);
        bundles.iter().for_each(|bundle| labels.put(bundle, scaling));
        Ok(labels)
    }
}

impl<T: Packed> Curvature<T> {
    /// Of `samples` rows in blocks of `rows`, none with a bundle.
    ///
    /// # Panics
    /// If blocks have no rows.
    #[track_caller]
    pub fn new(samples: usize, rows: usize) -> Self {
        assert!(rows > 0, "a block needs rows");
        Self { rows, bundles: vec![None; samples.div_ceil(rows)] }
    }
    /// Puts a bundle given in original units where its rows are.
    ///
    /// # Panics
    /// If its rows are not a block.
    #[track_caller]
    pub fn put(&mut self, bundle: &Bundle<f64>, scaling: &Scaling) {
        self.put_scaled(bundle.scaled(scaling));
    }
    /// The same with a bundle in scaled units.
    ///
    /// # Panics
    /// If its rows are not a block.
    #[track_caller]
    pub fn put_scaled(&mut self, bundle: Bundle<T>) {
        assert!(bundle.rows.start.is_multiple_of(self.rows), "rows {:?} are no block of {}", bundle.rows, self.rows);
        let block = bundle.rows.start / self.rows;
        self.bundles[block] = Some(bundle);
    }
    /// Rows of a block.
    pub fn block(&self) -> usize {
        self.rows
    }
    /// Those there are.
    pub fn bundles(&self) -> impl Iterator<Item = &Bundle<T>> {
        self.bundles.iter().flatten()
    }
    /// The bundle of exactly these rows, if there is one.
    pub fn of(&self, rows: &Range<usize>) -> Option<&Bundle<T>> {
        self.bundles.get(rows.start / self.rows)?.as_ref().filter(|b| b.rows == *rows)
    }
}
