//! Floor 1: sound interval arithmetic.
