//! Floor 2: algorithmic differentiation over any scalar.
