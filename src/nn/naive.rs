//! The specification: a network as plain loops over any scalar, with no tiles, no slots and no sweeps.
use super::Layer;
use crate::math::Scalar;

/// `f(x; params)`.
pub(super) fn forward<S: Scalar>(layers: &[Layer], params: &[S], x: &[S]) -> Vec<S> {
    let (mut a, mut rest) = (x.to_vec(), params);
    for l in layers {
        let (here, next) = rest.split_at(l.params());
        let (w, b) = here.split_at(l.weights());
        a = (0..l.fan_out.0)
            .map(|o| {
                let z = a.iter().zip(&w[o * l.fan_in.0..]).fold(b[o], |z, (&a, &w)| z + a * w);
                z.activation(l.activation, 0)
            })
            .collect();
        rest = next;
    }
    a
}
