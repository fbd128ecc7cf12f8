//! Floor 6: what leaves the crate: files for other programs.

pub mod onnx;
