//! Weights that begin on a cache line.

use std::ops::Deref;

/// Bytes of a cache line, and of the widest register.
const LINE: usize = 64;

/// Numbers whose first begins on a cache line: loads that straddle two lines cost a sweep over weights a fifth of its speed.
#[derive(Debug)]
pub(super) struct Aligned {
    memory: Vec<f64>,
    start: usize,
    len: usize,
}

impl Aligned {
    pub(super) fn new(numbers: &[f64]) -> Self {
        let mut memory = vec![0.0; numbers.len() + LINE / size_of::<f64>()];
        // Anywhere is right, if not as fast.
        let start = memory.as_ptr().align_offset(LINE).min(LINE / size_of::<f64>());
        memory[start..][..numbers.len()].copy_from_slice(numbers);
        Self { memory, start, len: numbers.len() }
    }
}

impl Deref for Aligned {
    type Target = [f64];
    fn deref(&self) -> &[f64] {
        &self.memory[self.start..][..self.len]
    }
}

/// Memory elsewhere begins elsewhere.
impl Clone for Aligned {
    fn clone(&self) -> Self {
        Self::new(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_begin_on_a_line_too() {
        for len in [0, 1, 7, 1000] {
            let numbers: Vec<f64> = (0..len).map(f64::from).collect();
            let aligned = Aligned::new(&numbers);
            for aligned in [&aligned, &aligned.clone()] {
                assert_eq!(**aligned, *numbers);
                assert_eq!(aligned.as_ptr().align_offset(LINE), 0);
            }
        }
    }
}
