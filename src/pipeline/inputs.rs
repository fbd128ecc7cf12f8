//! Inputs without a reference model: uniform in a box, or given points.

use faer::{Mat, MatRef};
use rand::RngExt as _;
use rand::seq::SliceRandom as _;

use crate::error::{Error, Result};
use crate::interval::Interval;
use crate::math::random::{Purpose, Streams};

/// What inputs are for. Given points are divided between the uses, so that none is judged on what it was taught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Training.
    Training,
    /// Choosing: when to stop, which candidate to keep, which nodes to remove.
    HeldOut,
    /// Reporting.
    Test,
}

/// Where a network is to be imitated: a box, filled evenly, or points that the user gives.
#[derive(Clone, Debug)]
pub struct Inputs {
    domain: Vec<Interval>,
    given: Option<Mat<f64>>,
}

/// Fewer given points than this cannot be divided.
const FEWEST: usize = 50;

impl Inputs {
    /// Independent and uniform in a box, one range an input.
    ///
    /// # Errors
    /// A range that is empty or unbounded, by its number.
    pub fn uniform(domain: Vec<Interval>) -> Result<Self> {
        match domain.iter().position(|x| x.is_empty() || !x.width().is_finite()) {
            Some(j) => {
                Err(Error::invalid("domain", format!("input {j}: expected a bounded range, found {}", domain[j])))
            }
            None => Ok(Self { domain, given: None }),
        }
    }

    /// The points of a user, `n × inputs`, in any order: a tenth of them, chosen by chance, serves for choosing, another for
    /// reporting, the rest for training. The domain is their bounding box.
    ///
    /// # Errors
    /// Fewer than 50 points, or a number that is not finite.
    pub fn given(points: MatRef<'_, f64>) -> Result<Self> {
        let n = points.nrows();
        if n < FEWEST {
            return Err(Error::invalid("inputs", format!("expected at least {FEWEST} points, found {n}")));
        }
        let range = |j: usize| {
            let column = || points.col(j).iter().copied();
            if let Some(row) = column().position(|x| !x.is_finite()) {
                return Err(Error::invalid("inputs", format!("row {row}, column {j}: expected a finite number")));
            }
            let (low, high) = (column().fold(f64::INFINITY, f64::min), column().fold(f64::NEG_INFINITY, f64::max));
            Ok(Interval::new(low, high).expect("the least is not above the largest"))
        };
        let domain = (0..points.ncols()).map(range).collect::<Result<_>>()?;
        // Divided alike whatever the run's seed, so that test points stay test points from one command to the next.
        let mut order: Vec<usize> = (0..n).collect();
        order.shuffle(&mut Streams::new(0, Purpose::Test).next().expect("streams never end"));
        Ok(Self { domain, given: Some(Mat::from_fn(n, points.ncols(), |r, j| points[(order[r], j)])) })
    }

    /// The box: given, or around the given points.
    pub fn domain(&self) -> &[Interval] {
        &self.domain
    }

    /// `n` points. Given ones come in a new order each time, and come again once there are no more.
    pub fn draw(&self, part: Use, streams: &mut Streams, n: usize) -> Mat<f64> {
        let mut generator = streams.next().expect("streams never end");
        let Some(given) = &self.given else {
            let mut points = Mat::zeros(n, self.domain.len());
            for (j, range) in self.domain.iter().enumerate() {
                let (low, width) = (range.inf(), range.sup() - range.inf());
                // Rounding must not leave the box.
                points
                    .col_mut(j)
                    .iter_mut()
                    .for_each(|x| *x = (low + width * generator.random::<f64>()).min(range.sup()));
            }
            return points;
        };
        let tenth = given.nrows() / 10;
        let mut rows: Vec<usize> = match part {
            Use::Test => (0..tenth).collect(),
            Use::HeldOut => (tenth..2 * tenth).collect(),
            Use::Training => (2 * tenth..given.nrows()).collect(),
        };
        if part == Use::Training {
            rows.shuffle(&mut generator);
        }
        // Repeats among points to judge by would only weigh some of them more.
        let n = if part == Use::Training { n } else { n.min(rows.len()) };
        Mat::from_fn(n, given.ncols(), |r, j| given[(rows[r % rows.len()], j)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams() -> Streams {
        Streams::new(3, Purpose::Training)
    }

    #[test]
    fn a_box_is_filled_and_not_left() {
        let domain = [(-1.0, 2.0), (5.0, 5.0), (0.9, 1.1)].map(|(low, high)| Interval::new(low, high).unwrap());
        let points = Inputs::uniform(domain.to_vec()).unwrap().draw(Use::Training, &mut streams(), 4000);
        for (j, range) in domain.iter().enumerate() {
            assert!(points.col(j).iter().all(|x| range.contains(*x)));
            let mean = points.col(j).iter().sum::<f64>() / 4000.0;
            // Five standard errors of a uniform mean.
            assert!((mean - range.mid()).abs() <= 5.0 * range.width() / (12.0f64 * 4000.0).sqrt());
        }
        assert!(Inputs::uniform(vec![Interval::ENTIRE]).is_err());
        assert!(Inputs::uniform(vec![Interval::EMPTY]).is_err());
    }

    #[test]
    fn given_points_are_divided() {
        let inputs = Inputs::given(Mat::from_fn(100, 1, |r, _| r as f64).as_ref()).unwrap();
        assert_eq!((inputs.domain()[0].inf(), inputs.domain()[0].sup()), (0.0, 99.0));
        let drawn = |part, n| {
            let mut all: Vec<usize> = inputs.draw(part, &mut streams(), n).col(0).iter().map(|x| *x as usize).collect();
            all.sort_unstable();
            all
        };
        let all = [drawn(Use::Training, 80), drawn(Use::HeldOut, 1000), drawn(Use::Test, 1000)].concat();
        let mut sorted = all.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>(), "each point has one use");
        assert_eq!(drawn(Use::Training, 160).len(), 160, "training goes over them again");
        assert!(Inputs::given(Mat::zeros(49, 1).as_ref()).unwrap_err().to_string().contains("at least 50"));
        let mut broken = Mat::zeros(60, 2);
        broken[(7, 1)] = f64::NAN;
        assert!(Inputs::given(broken.as_ref()).unwrap_err().to_string().contains("row 7, column 1"));
    }
}
