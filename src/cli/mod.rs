//! Floor 8: what a person meets at the terminal, over plain data: pictures, tables, progress, the key that interrupts.

mod canvas;
pub mod interrupt;
pub mod plot;
pub mod progress;
pub mod sheet;
pub mod smoothing;
pub mod table;

pub use canvas::save;
