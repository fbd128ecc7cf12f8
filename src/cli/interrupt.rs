//! Ctrl-C, or a scheduler's polite end: the first asks the running stage to stop at its next step and write its checkpoint, the second
//! kills at once.

use std::sync::atomic::{AtomicBool, Ordering};

/// The exit code of an interrupted run: 128 + SIGINT, as shells expect.
pub const EXIT_CODE: u8 = 130;

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Catches Ctrl-C from here on; call it once, first thing in `main`.
///
/// # Errors
/// If the system refuses, or another handler is already there.
pub fn install() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| {
        if REQUESTED.swap(true, Ordering::Relaxed) {
            std::process::exit(EXIT_CODE.into());
        }
    })
}

/// Whether Ctrl-C was pressed; cheap enough to ask at every training step.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use crate::cli::progress::Progress;
    use crate::observer::Observer as _;

    /// A run of its own, started by the tests below: the handler is for a whole process.
    #[test]
    #[ignore = "a child process of the other tests here"]
    fn child() {
        super::install().unwrap();
        let checkpoint = std::env::var_os("CHECKPOINT");
        println!("\nready");
        std::io::stdout().flush().unwrap();
        let limit = Instant::now() + Duration::from_secs(20);
        let mut progress = Progress::new(true);
        progress.start("train", 1000);
        let mut told = false;
        while Instant::now() < limit {
            if progress.step(1, 1000, 0.5).is_break() {
                assert!(super::requested());
                if let Some(path) = &checkpoint {
                    std::fs::write(path, "complete").unwrap();
                    std::process::exit(super::EXIT_CODE.into());
                }
                // A stage that cannot be stopped: only the second signal ends it.
                if !told {
                    println!("asked");
                    std::io::stdout().flush().unwrap();
                    told = true;
                }
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Interrupts the child once for each of the lines it prints, and gives its exit code.
    fn interrupt_at(lines: &[&str], checkpoint: Option<&std::path::Path>) -> Option<i32> {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["cli::interrupt::tests::child", "--exact", "--ignored", "--nocapture"]).stdout(Stdio::piped());
        if let Some(path) = checkpoint {
            command.env("CHECKPOINT", path);
        }
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        for expected in lines {
            assert!(output.any(|line| line.unwrap() == *expected), "the child says {expected}");
            assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        }
        child.wait().unwrap().code()
    }

    #[test]
    fn the_first_lets_the_checkpoint_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        assert_eq!(interrupt_at(&["ready"], Some(&path)), Some(130));
        assert_eq!(std::fs::read_to_string(path).unwrap(), "complete");
    }

    #[test]
    fn the_second_kills() {
        assert_eq!(interrupt_at(&["ready", "asked"], None), Some(130));
    }
}
