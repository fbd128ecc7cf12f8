//! Floor 4: data.
mod scaling;
pub use scaling::{Scaled, Scaling};
/// stub
pub struct Samples {
    x: faer::Mat<f64>,
    y: Vec<f64>,
    d: Option<faer::Mat<f64>>,
}
#[allow(missing_docs)]
impl Samples {
    pub fn len(&self) -> usize {
        self.y.len()
    }
    pub fn inputs(&self) -> faer::MatRef<'_, f64> {
        self.x.as_ref()
    }
    pub fn values(&self) -> &[f64] {
        &self.y
    }
    pub fn derivatives(&self) -> Option<faer::MatRef<'_, f64>> {
        self.d.as_ref().map(|d| d.as_ref())
    }
}
