"""onnxruntime and jax.jit over the files that `networks` wrote, on one core.

    pip install -r requirements.txt
    cargo run --release --bin networks -- FOLDER
    python peers.py FOLDER [onnxruntime|jax] [NETWORK…]

Latency: p50 and p99 over blocks of 64 calls, each of which waits for the answer of the one before. Batch: the median rate at 65 536
points. Values, deltas and gammas are checked against the library's before anything is timed.
"""
import os

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
for name in ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]:
    os.environ.pop(name, None)
os.sched_setaffinity(0, {0})

import pathlib
import sys
import time
import numpy as np

NETWORKS = ["7-3-3-1-2-2-2-1", "7-3-3-1", "7-8x6-1", "7-128x6-1"]
POINTS = 65_536


def latency(name, call, x):
    """`call(x)` gives numbers, the first of which the next call waits for."""
    def block():
        start, point = time.perf_counter(), x.copy()
        for _ in range(64):
            point[0, 0] += float(call(point)) * 1e-300
        return (time.perf_counter() - start) / 64 * 1e9

    block()
    times, end = [], time.perf_counter() + 1.5
    while time.perf_counter() < end:
        times.append(block())
    print(f"{name:<44} p50 {np.median(times):>10.0f} ns   p99 {np.percentile(times, 99):>10.0f} ns", flush=True)


def batch(name, call, points):
    call()
    times, end = [], time.perf_counter() + 1.5
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    print(f"{name:<44} {points / np.median(times) * 1e-6:>10.3f} M points/s", flush=True)


def tiled(table, points):
    return np.ascontiguousarray(np.tile(table[:, :7], (points // len(table), 1)))


def onnxruntime(folder, name, table):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(folder / f"{name}.onnx", options, providers=["CPUExecutionProvider"])
    run = lambda x: session.run(None, {"x": x})[0]
    np.testing.assert_allclose(run(table[:, :7].copy())[:, 0], table[:, 7], rtol=1e-12, atol=1e-12)
    latency(f"{name} onnxruntime value", lambda x: run(x)[0, 0], table[:1, :7].copy())
    # The least that a caller can do: the input bound once, the output too.
    x, y, binding = table[:1, :7].copy(), np.zeros((1, 1)), session.io_binding()
    binding.bind_input("x", "cpu", 0, np.float64, x.shape, x.ctypes.data)
    binding.bind_output("y", "cpu", 0, np.float64, y.shape, y.ctypes.data)

    def bound(point):
        x[:] = point
        session.run_with_iobinding(binding)
        return y[0, 0]

    assert abs(bound(table[:1, :7]) - table[0, 7]) < 1e-12
    latency(f"{name} onnxruntime value, bound", bound, table[:1, :7].copy())
    many = tiled(table, POINTS)
    batch(f"{name} onnxruntime value", lambda: run(many), POINTS)


def jax(folder, name, table):
    import jax
    from jax import numpy as jnp
    from safetensors.numpy import load_file
    jax.config.update("jax_enable_x64", True)
    tensors = load_file(folder / f"{name}.safetensors")
    layers = [(tensors[f"layers.{i}.weight"], tensors[f"layers.{i}.bias"]) for i in range(len(tensors) // 2)]

    def value(x):
        for weight, bias in layers[:-1]:
            x = jax.nn.silu(weight @ x + bias)
        return (layers[-1][0] @ x + layers[-1][1])[0]

    def gamma(x):
        (y, dy), (_, along) = jax.jvp(jax.value_and_grad(value), (x,), (jnp.ones(7),))
        return y, dy, along.sum()

    forms = {"value": lambda x: (value(x),), "+ deltas": jax.value_and_grad(value), "+ deltas + gamma": gamma}
    wanted = [table[:, 7], table[:, 8:15], table[:, 15]]
    points = POINTS // 16 if "128" in name else POINTS
    many = jnp.asarray(tiled(table, points))
    for form, function in forms.items():
        over = jax.jit(jax.vmap(function))
        for found, want in zip(over(table[:, :7]), wanted):
            np.testing.assert_allclose(found, want, rtol=1e-10, atol=1e-10)
        single = jax.jit(lambda x: function(x[0]))
        latency(f"{name} jax {form}", lambda x: jax.block_until_ready(single(x))[0], table[:1, :7].copy())
        batch(f"{name} jax {form}", lambda: jax.block_until_ready(over(many)), points)


if __name__ == "__main__":
    folder, *chosen = sys.argv[1:]
    peers = [p for p in ["onnxruntime", "jax"] if p in chosen] or ["onnxruntime", "jax"]
    for name in [n for n in NETWORKS if n in chosen] or NETWORKS:
        table = np.loadtxt(pathlib.Path(folder) / f"{name}.csv", delimiter=",")
        for peer in peers:
            globals()[peer](pathlib.Path(folder), name, table)
