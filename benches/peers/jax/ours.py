"""Our side of a comparison: `benches/peer.rs` as a process that does a piece of work whenever it is told to."""
import json, os, pathlib, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parents[3]


def pin(threads):
    """Keep this process and its children on the first `threads` cores. Before jax is imported."""
    os.sched_setaffinity(0, set(range(threads)))
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)


def binary():
    """The bench, built if need be."""
    built = subprocess.run(["cargo", "bench", "--no-run", "--bench", "peer", "--message-format", "json"],
                           cwd=ROOT, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found = [m["executable"] for m in map(json.loads, built.stdout.splitlines())
             if m.get("reason") == "compiler-artifact" and m["target"]["name"] == "peer"]
    return found[-1]


class Ours:
    """Answers with one JSON value a line: first what it has to say about itself, then once for each request."""

    def __init__(self, *args):
        exe = os.environ.get("SOBOLEV_PEER") or binary()
        self.process = subprocess.Popen([exe, *map(str, args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.about = self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("our side ended early")
        return json.loads(line)

    def run(self, times):
        """Seconds of each of `times` repetitions."""
        self.process.stdin.write(f"{times}\n")
        self.process.stdin.flush()
        return self._answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()
