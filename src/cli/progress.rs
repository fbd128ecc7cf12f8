//! What a person sees of a running stage: a bar on a terminal, a few plain lines elsewhere, nothing with `--quiet`.

use std::io::{self, IsTerminal as _, Write};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::interrupt;
use super::table::count;
use crate::observer::Observer;

const BAR_EVERY: Duration = Duration::from_millis(100);
const LINE_EVERY: Duration = Duration::from_secs(5);

/// The [`Observer`] of the command: it shows each stage's steps, loss, rate and remaining time, and passes Ctrl-C on as
/// the wish to stop.
///
/// A step costs one reading of the clock; it is drawn ten times a second on a terminal, written every five seconds
/// elsewhere.
///
/// # Examples
/// ```
/// use sobolev::cli::progress::Progress;
/// use sobolev::observer::Observer;
///
/// let mut progress = Progress::new(true);
/// progress.start("train", 100);
/// for step in 1..=100 {
///     if progress.step(step, 100, 1.0 / step as f64).is_break() {
///         break;
///     }
/// }
/// progress.finish();
/// ```
pub struct Progress {
    form: Form,
    stage: Option<Stage>,
    /// Whether it has been said that the run is being interrupted.
    told: bool,
}

enum Form {
    Quiet,
    Bar,
    Lines(Box<dyn Write + Send>),
}

struct Stage {
    name: String,
    began: Instant,
    shown: Instant,
    /// Steps done, steps in all, loss.
    last: (usize, usize, f64),
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Progress on standard error, in the form that suits where it goes.
    pub fn new(quiet: bool) -> Self {
        let form = match quiet {
            true => Form::Quiet,
            false if io::stderr().is_terminal() => Form::Bar,
            false => Form::Lines(Box::new(io::stderr())),
        };
        Self { form, stage: None, told: false }
    }

    /// Progress in plain lines, written to `out`.
    pub fn lines(out: impl Write + Send + 'static) -> Self {
        Self { form: Form::Lines(Box::new(out)), stage: None, told: false }
    }

    /// Says one thing, above the bar if there is one.
    pub fn note(&mut self, words: &str) {
        match (&mut self.form, self.stage.as_ref().and_then(|stage| stage.bar.as_ref())) {
            (Form::Quiet, _) => {}
            (Form::Bar, Some(bar)) => bar.println(words),
            // Progress that nobody can read any more is no reason to stop.
            (Form::Bar, None) => _ = writeln!(io::stderr(), "{words}"),
            (Form::Lines(out), _) => _ = writeln!(out, "{words}").and_then(|()| out.flush()),
        }
    }
}

impl Stage {
    fn new(name: &str, steps: usize, form: &Form) -> Self {
        let bar = matches!(form, Form::Bar).then(|| {
            let style = ProgressStyle::with_template("{prefix:<24} {wide_bar} {pos}/{len}  {msg}")
                .expect("the template is well formed")
                .progress_chars("━━╌");
            // Drawn on our own beat; the default would thin it a second time.
            let target = ProgressDrawTarget::stderr_with_hz(255);
            ProgressBar::with_draw_target(Some(steps as u64), target).with_style(style).with_prefix(name.to_owned())
        });
        let now = Instant::now();
        Self { name: name.to_owned(), began: now, shown: now, last: (0, steps, f64::NAN), bar }
    }

    /// `loss 1.23e-3  450/s  15 s left`
    fn state(&self) -> String {
        let (step, of, loss) = self.last;
        let rate = step as f64 / self.began.elapsed().as_secs_f64().max(1e-9);
        let left = of.saturating_sub(step) as f64 / rate.max(1e-9);
        let speed = if rate < 10.0 { format!("{rate:.1}") } else { count(rate as u64) };
        let left = if left < 100.0 { format!("{left:.0} s") } else { format!("{:.0} min", left / 60.0) };
        format!("{}  {speed}/s  {left} left", loss_in_words(loss))
    }

    /// `train: 8000 steps in 17.8 s, loss 1.2e-3`
    fn summary(&self) -> String {
        let (step, of, loss) = self.last;
        let seconds = self.began.elapsed().as_secs_f64();
        let name = &self.name;
        match step {
            0 => format!("{name}: done in {seconds:.1} s"),
            _ if step < of => {
                format!("{name}: stopped at step {step} of {of} after {seconds:.1} s, {}", loss_in_words(loss))
            }
            _ => format!("{name}: {step} steps in {seconds:.1} s, {}", loss_in_words(loss)),
        }
    }
}

impl Observer for Progress {
    fn start(&mut self, name: &str, steps: usize) {
        self.finish();
        self.stage = Some(Stage::new(name, steps, &self.form));
        if matches!(self.form, Form::Lines(_)) {
            self.note(&if steps > 0 { format!("{name}: {steps} steps") } else { format!("{name} …") });
        }
    }

    fn step(&mut self, step: usize, of: usize, loss: f64) -> ControlFlow<()> {
        if let Some(stage) = &mut self.stage {
            stage.last = (step, of, loss);
            let every = if stage.bar.is_some() { BAR_EVERY } else { LINE_EVERY };
            let now = Instant::now();
            if now - stage.shown >= every {
                stage.shown = now;
                let state = stage.state();
                match &stage.bar {
                    Some(bar) => {
                        bar.set_position(step as u64);
                        bar.set_message(state);
                    }
                    None => {
                        let line = format!("{}: {step}/{of}  {state}", stage.name);
                        self.note(&line);
                    }
                }
            }
        }
        if !interrupt::requested() {
            return ControlFlow::Continue(());
        }
        if !std::mem::replace(&mut self.told, true) {
            self.note("interrupted: saving what is there; press Ctrl-C again to stop at once");
        }
        ControlFlow::Break(())
    }

    fn finish(&mut self) {
        if let Some(stage) = self.stage.take() {
            if let Some(bar) = &stage.bar {
                bar.finish_and_clear();
            }
            self.note(&stage.summary());
        }
    }
}

fn loss_in_words(loss: f64) -> String {
    format!("loss {loss:.2e}")
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};
    use std::time::Instant;

    use super::{LINE_EVERY, Progress};
    use crate::observer::Observer as _;

    /// Somewhere to write that the test can read.
    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Page {
        fn lines(&self) -> Vec<String> {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
        }
    }

    #[test]
    fn a_quick_stage_takes_two_lines() {
        let page = Page::default();
        let mut progress = Progress::lines(page.clone());
        progress.start("train", 10_000);
        for step in 1..=10_000 {
            assert!(progress.step(step, 10_000, 0.125).is_continue());
        }
        progress.finish();
        let lines = page.lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert_eq!(lines[0], "train: 10000 steps");
        assert!(lines[1].starts_with("train: 10000 steps in ") && lines[1].ends_with(" s, loss 1.25e-1"), "{lines:?}");
    }

    #[test]
    fn a_slow_stage_tells_where_it_is() {
        let page = Page::default();
        let mut progress = Progress::lines(page.clone());
        progress.start("prune", 400);
        let stage = progress.stage.as_mut().unwrap();
        // As if it had begun that long ago: 100 steps in 10 seconds leave 30.
        stage.began = Instant::now() - 2 * LINE_EVERY;
        stage.shown = stage.began;
        for step in 100..110 {
            _ = progress.step(step, 400, 0.5);
        }
        let lines = page.lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[1].starts_with("prune: 100/400  loss 5.00e-1  "), "{lines:?}");
        assert!(lines[1].ends_with("/s  30 s left"), "{lines:?}");
    }

    #[test]
    fn a_stage_that_stops_early_says_so_and_one_without_steps_too() {
        let page = Page::default();
        let mut progress = Progress::lines(page.clone());
        progress.start("train", 10);
        _ = progress.step(4, 10, f64::NAN);
        // The next stage ends the one before.
        progress.start("significance", 0);
        progress.finish();
        progress.finish();
        let lines = page.lines();
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert!(lines[1].starts_with("train: stopped at step 4 of 10 after 0.0 s"), "{lines:?}");
        assert_eq!(lines[3], "significance: done in 0.0 s");
    }

    #[test]
    fn quiet_is_quiet_and_a_closed_pipe_is_no_error() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        for mut progress in [Progress::new(true), Progress::lines(Closed)] {
            progress.start("train", 2);
            assert!(progress.step(1, 2, 0.0).is_continue());
            progress.note("a word");
            progress.finish();
        }
    }
}
