//! What a long computation tells whoever is watching, and how that watcher stops it.

use core::ops::ControlFlow;

/// A watcher of the pipeline: progress bars, loss curves, a test that counts, the key that interrupts.
///
/// Every method has a default that ignores the call, and any closure `FnMut(usize, usize, f64) -> ControlFlow<()>` is an
/// observer of its steps.
///
/// # Examples
/// ```
/// use std::ops::ControlFlow;
/// use sobolev::observer::Observer;
///
/// fn descend(watch: &mut dyn Observer) -> usize {
///     watch.start("train", 1000);
///     let last = (1..=1000).find(|&step| watch.step(step, 1000, 1.0 / step as f64).is_break());
///     watch.finish();
///     last.unwrap_or(1000)
/// }
///
/// let mut stop_when_good = |_step: usize, _of: usize, loss: f64| {
///     if loss < 0.01 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
/// };
/// assert_eq!(descend(&mut stop_when_good), 101);
/// ```
pub trait Observer {
    /// A stage begins that will take `steps` steps at most.
    fn start(&mut self, stage: &str, steps: usize) {
        let _ = (stage, steps);
    }

    /// Step `step` of `of` (counted from 1) is done, with this loss. Called from the thread that called the stage.
    ///
    /// `Break` asks the stage to stop here and keep the state reached; what it then returns, its own documentation says.
    fn step(&mut self, step: usize, of: usize, loss: f64) -> ControlFlow<()> {
        let _ = (step, of, loss);
        ControlFlow::Continue(())
    }

    /// The stage that began last is over.
    fn finish(&mut self) {}
}

/// The observer that looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}

impl<F: FnMut(usize, usize, f64) -> ControlFlow<()>> Observer for F {
    fn step(&mut self, step: usize, of: usize, loss: f64) -> ControlFlow<()> {
        self(step, of, loss)
    }
}
