//! Second-order labels: products of the Hessian with directions that are the same for all rows of a block.

use std::ops::Range;

use faer::Mat;

use super::{Samples, Scaling, Simulator};
use crate::error::{Error, Result};
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
        done.map_err(|e| Error::invalid("second-order labels", e.to_string()))?;
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
