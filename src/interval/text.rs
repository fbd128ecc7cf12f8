//! Reading and writing intervals as text, outward.

use core::fmt;

use super::Interval;

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() { f.write_str("∅") } else { write!(f, "[{}, {}]", self.inf(), self.sup()) }
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() { f.write_str("∅") } else { write!(f, "[{:?}, {:?}]", self.inf(), self.sup()) }
    }
}
