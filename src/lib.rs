//! Tiny neural surrogates of expensive stochastic models: right in value *and* in derivatives.
//!
//! The crate implements "Towards Sobolev Pruning" as a pipeline of stages, one module each, in the order of the
//! paper's Figure 1: [`model`] simulates with pathwise derivatives → [`train`] fits a large network → [`significance`]
//! measures every node by interval adjoints → [`prune`] cuts and retrains → [`train`] again, with the Sobolev loss.
//! Below them stand the floors they share: [`math`], [`interval`], [`ad`], [`nn`]; above them [`pipeline`] composes them.
//!
//! With default features off the bottom (`math`, `interval`, `ad` without the tape, frozen networks) builds without
//! `std` and without an allocator.

#![cfg_attr(not(feature = "std"), no_std)]

pub mod ad;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "std")]
pub mod data;
#[cfg(feature = "std")]
pub mod error;
#[cfg(feature = "std")]
pub mod export;
pub mod interval;
pub mod math;
#[cfg(feature = "std")]
pub mod model;
pub mod nn;
#[cfg(feature = "std")]
pub mod observer;
#[cfg(feature = "std")]
pub mod pipeline;
#[cfg(feature = "std")]
pub mod prune;
#[cfg(feature = "std")]
pub mod significance;
#[cfg(feature = "std")]
pub mod train;

/// The README's examples run as tests.
#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
