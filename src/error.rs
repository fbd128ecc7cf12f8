//! What can go wrong with data, files and runs. Shape mistakes in code are panics instead.

use std::fmt;
use std::path::PathBuf;

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, with the value found and what was expected.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    Io {
        /// Which file.
        path: PathBuf,
        /// What was being done with it.
        action: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file was read but does not hold what it should.
    Format {
        /// Which file.
        path: PathBuf,
        /// Which field or tensor, and what was expected.
        message: String,
    },
    /// Numbers given by the user make no sense: a name, the value, what was expected.
    Invalid {
        /// Which argument, field or table entry.
        what: String,
        /// What was found and what was expected.
        message: String,
    },
    /// Training left the finite numbers, or ended worse than predicting the mean.
    Diverged {
        /// Which stage of the run.
        stage: String,
        /// Optimiser steps done.
        step: usize,
        /// The loss then.
        loss: f64,
        /// The learning rate then.
        learning_rate: f64,
        /// The first layer with a parameter that is not finite, if any.
        layer: Option<usize>,
    },
    /// The user asked to stop. Training leaves the network as it is, to be saved.
    Interrupted,
}

impl Error {
    /// An [`Error::Invalid`].
    pub fn invalid(what: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { what: what.into(), message: message.into() }
    }
    /// An [`Error::Format`].
    pub fn format(path: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self::Format { path: path.into(), message: message.into() }
    }
    /// Wraps a system error with the file and what was being done.
    pub fn io(path: impl Into<PathBuf>, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, action, source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, action, source } => write!(f, "cannot {action} {}: {source}", path.display()),
            Self::Format { path, message } => write!(f, "{}: {message}", path.display()),
            Self::Invalid { what, message } => write!(f, "{what}: {message}"),
            Self::Diverged { stage, step, loss, learning_rate, layer } => {
                write!(f, "{stage} diverged at step {step}: loss {loss:.3e} at learning rate {learning_rate:.3e}")?;
                if let Some(layer) = layer {
                    write!(f, ", first non-finite parameter in layer {layer}")?;
                }
                write!(f, "; the last good state was kept, try a smaller --learning-rate")
            }
            Self::Interrupted => write!(f, "interrupted"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
