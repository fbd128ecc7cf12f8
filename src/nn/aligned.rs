//! Numbers that begin on a cache line.

use core::ops::{Deref, DerefMut};

use crate::math::Real;

/// Bytes of a cache line, and of the widest register.
const LINE: usize = 64;

/// Numbers whose first begins on a cache line: a register that straddles two lines is two loads, or two stores.
#[derive(Debug)]
pub(crate) struct Aligned<T> {
    memory: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Real> Aligned<T> {
    pub(crate) fn zeros(len: usize) -> Self {
        let memory = vec![T::ZERO; len + slack::<T>()];
        Self { start: start(&memory), memory, len }
    }
}

const fn slack<T>() -> usize {
    LINE / size_of::<T>()
}

/// Anywhere is right, if not as fast.
fn start<T>(memory: &[T]) -> usize {
    memory.as_ptr().align_offset(LINE).min(slack::<T>())
}

impl<T: Real> From<&[T]> for Aligned<T> {
    fn from(numbers: &[T]) -> Self {
        let mut copy = Self::zeros(numbers.len());
        copy.copy_from_slice(numbers);
        copy
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.memory[self.start..][..self.len]
    }
}

impl<T> DerefMut for Aligned<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.memory[self.start..][..self.len]
    }
}

/// Memory elsewhere begins elsewhere.
impl<T: Clone> Clone for Aligned<T> {
    fn clone(&self) -> Self {
        let mut memory = self.memory.clone();
        let start = start(&memory);
        memory.rotate_left(self.start);
        memory.rotate_right(start);
        Self { memory, start, len: self.len }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_begin_on_a_line_too() {
        for len in [0, 1, 7, 1000] {
            let numbers: Vec<f64> = (0..len).map(f64::from).collect();
            let aligned = Aligned::from(&*numbers);
            for aligned in [&aligned, &aligned.clone()] {
                assert_eq!(**aligned, *numbers);
                assert_eq!(aligned.as_ptr().align_offset(LINE), 0);
            }
        }
    }
}
