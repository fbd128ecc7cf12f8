//! Arrays of numbers with ONNX's shape rules: broadcasting, products, transposition. What constants are folded with.

/// More elements than any network here has; a larger tensor is a mistake in the file.
pub(super) const MOST_ELEMENTS: usize = 1 << 24;

/// Numbers that may be held at a time: a gigabyte.
pub(super) const MOST_HELD: usize = 1 << 27;

/// What is wrong; the caller knows the node.
pub(super) type Result<T> = std::result::Result<T, String>;

/// Numbers in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tensor {
    pub(super) dims: Vec<usize>,
    pub(super) data: Vec<f64>,
}

impl Tensor {
    /// Numbers from a file.
    pub(super) fn checked(dims: &[i64], data: Vec<f64>) -> Result<Self> {
        let dims: Option<Vec<usize>> = dims.iter().map(|&d| usize::try_from(d).ok()).collect();
        let dims = dims.ok_or("a dimension is negative")?;
        let wanted = elements(&dims)?;
        if data.len() != wanted {
            return Err(format!("the shape {dims:?} has {wanted} elements, found {}", data.len()));
        }
        Ok(Self { dims, data })
    }

    /// One number.
    pub(super) fn scalar(value: f64) -> Self {
        Self { dims: vec![], data: vec![value] }
    }

    /// A list of numbers.
    pub(super) fn list(data: Vec<f64>) -> Self {
        Self { dims: vec![data.len()], data }
    }

    /// The elements as whole numbers, as shapes and axes are given.
    pub(super) fn integers(&self) -> Vec<i64> {
        self.data.iter().map(|&v| v as i64).collect()
    }

    pub(super) fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self { dims: self.dims.clone(), data: self.data.iter().map(|&v| f(v)).collect() }
    }

    /// Elementwise, broadcast.
    pub(super) fn zip(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Result<Self> {
        let dims = broadcast(&self.dims, &other.dims)?;
        let (a, b) = (spread(&self.dims, &dims), spread(&other.dims, &dims));
        let data = a.iter().zip(&b).map(|(&a, &b)| f(self.data[a], other.data[b])).collect();
        Ok(Self { dims, data })
    }

    /// The elements at `rows`, in the shape `dims`.
    pub(super) fn select(&self, rows: &[usize], dims: Vec<usize>) -> Self {
        Self { dims, data: rows.iter().map(|&i| self.data[i]).collect() }
    }

    /// The same numbers in another shape.
    pub(super) fn reshape(&self, dims: Vec<usize>) -> Result<Self> {
        if elements(&dims)? != self.data.len() {
            return Err(format!("cannot reshape {:?} to {dims:?}", self.dims));
        }
        Ok(Self { dims, data: self.data.clone() })
    }
}

/// Number of elements.
pub(super) fn elements(dims: &[usize]) -> Result<usize> {
    dims.iter()
        .try_fold(1_usize, |n, &d| n.checked_mul(d))
        .filter(|&n| n <= MOST_ELEMENTS)
        .ok_or_else(|| format!("the shape {dims:?} has more than {MOST_ELEMENTS} elements"))
}

/// The common shape of two operands.
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let extent = |dims: &[usize], i: usize| (i + dims.len()).checked_sub(rank).map_or(1, |i| dims[i]);
    let dims = (0..rank).map(|i| match (extent(a, i), extent(b, i)) {
        (1, n) | (n, 1) => Ok(n),
        (m, n) if m == n => Ok(n),
        _ => Err(format!("the shapes {a:?} and {b:?} do not go together")),
    });
    let dims = dims.collect::<Result<Vec<usize>>>()?;
    elements(&dims)?;
    Ok(dims)
}

/// For each element of `to`, the element of `from` that is broadcast there.
pub(super) fn spread(from: &[usize], to: &[usize]) -> Vec<usize> {
    let missing = to.len() - from.len();
    let mut strides = vec![0; to.len()];
    let mut stride = 1;
    for (i, &d) in from.iter().enumerate().rev() {
        strides[missing + i] = if d == 1 { 0 } else { stride };
        stride *= d;
    }
    indices(to, &strides)
}

/// For each element of the transposed tensor, the element it is.
pub(super) fn transposition(dims: &[usize], axes: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let stride = |axis: usize| dims[axis + 1..].iter().product::<usize>();
    let to: Vec<usize> = axes.iter().map(|&a| dims[a]).collect();
    let strides: Vec<usize> = axes.iter().map(|&a| stride(a)).collect();
    (indices(&to, &strides), to)
}

/// Walks a shape in row-major order, reading with strides.
fn indices(dims: &[usize], strides: &[usize]) -> Vec<usize> {
    let mut all = vec![0];
    for (&d, &stride) in dims.iter().zip(strides) {
        all = all.iter().flat_map(|&at| (0..d).map(move |i| at + i * stride)).collect();
    }
    all
}

/// How a matrix product runs over two shapes, after numpy: vectors are rows on the left and columns on the right, leading
/// dimensions are broadcast.
pub(super) struct Product {
    pub(super) dims: Vec<usize>,
    /// Offsets of the matrices of each pair.
    pairs: Vec<(usize, usize)>,
    rows: usize,
    inner: usize,
    columns: usize,
}

impl Product {
    pub(super) fn new(a: &[usize], b: &[usize]) -> Result<Self> {
        let wrong = || format!("cannot multiply matrices of the shapes {a:?} and {b:?}");
        let (left, rows, inner) = match *a {
            [] => return Err(wrong()),
            [k] => (&[][..], 1, k),
            [ref left @ .., m, k] => (left, m, k),
        };
        let (right, depth, columns) = match *b {
            [] => return Err(wrong()),
            [k] => (&[][..], k, 1),
            [ref right @ .., k, n] => (right, k, n),
        };
        if inner != depth {
            return Err(wrong());
        }
        let mut dims = broadcast(left, right)?;
        let offsets = |from: &[usize], size: usize| spread(from, &dims).into_iter().map(move |i| i * size);
        let pairs = offsets(left, rows * inner).zip(offsets(right, inner * columns)).collect();
        if a.len() > 1 {
            dims.push(rows);
        }
        if b.len() > 1 {
            dims.push(columns);
        }
        elements(&dims)?;
        Ok(Self { dims, pairs, rows, inner, columns })
    }

    /// The product of two lists of elements.
    pub(super) fn of(&self, a: &[f64], b: &[f64]) -> Vec<f64> {
        let (m, k, n) = (self.rows, self.inner, self.columns);
        let mut out = vec![0.0; self.pairs.len() * m * n];
        for (pair, &(at_a, at_b)) in self.pairs.iter().enumerate() {
            for i in 0..m {
                for l in 0..k {
                    let factor = a[at_a + i * k + l];
                    // The planes of a layer that nothing has mixed yet are mostly zeros.
                    if factor != 0.0 {
                        let row = &b[at_b + l * n..][..n];
                        for (o, v) in out[(pair * m + i) * n..][..n].iter_mut().zip(row) {
                            *o += factor * v;
                        }
                    }
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::{Product, Tensor, broadcast, spread, transposition};

    #[test]
    fn broadcasting_follows_numpy() {
        assert_eq!(broadcast(&[8, 1, 6], &[7, 1]), Ok(vec![8, 7, 6]));
        assert_eq!(broadcast(&[], &[3]), Ok(vec![3]));
        assert!(broadcast(&[2], &[3]).is_err());
        assert_eq!(spread(&[2, 1], &[2, 3]), [0, 0, 0, 1, 1, 1]);
        assert_eq!(spread(&[3], &[2, 3]), [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn products_follow_numpy() {
        let (a, b) = ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]);
        let of = |x: &[usize], y: &[usize]| Product::new(x, y).map(|p| (p.dims.clone(), p.of(&a, &b)));
        assert_eq!(of(&[2, 2], &[2, 2]), Ok((vec![2, 2], vec![19.0, 22.0, 43.0, 50.0])));
        assert_eq!(of(&[4], &[4]), Ok((vec![], vec![70.0])));
        assert_eq!(of(&[4], &[4, 1]), Ok((vec![1], vec![70.0])));
        assert_eq!(of(&[2, 1, 2], &[2, 2]), Ok((vec![2, 1, 2], vec![19.0, 22.0, 43.0, 50.0])));
        assert!(of(&[1, 4], &[2, 2]).is_err());
    }

    #[test]
    fn transposition_moves_axes() {
        let (rows, dims) = transposition(&[2, 3], &[1, 0]);
        assert_eq!((rows, dims), (vec![0, 3, 1, 4, 2, 5], vec![3, 2]));
        let t = Tensor::list(vec![1.0, 2.0]).zip(&Tensor::scalar(3.0), |a, b| a * b).unwrap();
        assert_eq!(t.data, [3.0, 6.0]);
    }
}
