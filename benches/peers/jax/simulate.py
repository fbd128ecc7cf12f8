"""Correlated 7-asset antithetic samples with payoff and pathwise deltas: ours against numpy and JAX, in turns on the same cores.

A sample is one labelled row: 7 normals for the inputs and 7 for a pair of paths x + Lz, x - Lz, whose two payoffs and two
sets of deltas are averaged. A path is half of a pair: twice as many. All three write inputs, values and deltas in f64."""
import argparse, json, tempfile, time

from ours import Ours, pin

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--samples", type=int, default=65536)
parser.add_argument("--rounds", type=int, default=9)
args = parser.parse_args()
pin(args.threads)

import numpy as np
import jax, jax.numpy as jnp

from basket import M, STRIKE, basket

jax.config.update("jax_enable_x64", True)
N = args.samples
rng = np.random.default_rng(1)
weights, correlation, vols = basket(rng)
root = np.linalg.cholesky(correlation) * vols[:, None]
model = {"basket": {"weights": weights.tolist(), "correlation": correlation.tolist(), "volatilities": vols.tolist()},
         "exposure": 1.0, "maturity": 2.0}


def numpy_samples(generator):
    z = generator.standard_normal((2, N, M))
    x = 1 + z[0] @ (1.5 * root).T
    base, move = x @ weights - STRIKE, z[1] @ (root.T @ weights)
    up, down = base + move, base - move
    y = 0.5 * (np.maximum(up, 0) + np.maximum(down, 0))
    return x, y, (0.5 * ((up > 0).astype(float) + (down > 0)))[:, None] * weights


@jax.jit
def jax_samples(key):
    key, now = jax.random.split(key)
    z = jax.random.normal(now, (2, N, M))
    x = 1 + z[0] @ (1.5 * root).T
    base, move = x @ weights - STRIKE, z[1] @ (root.T @ weights)
    up, down = base + move, base - move
    y = 0.5 * (jnp.maximum(up, 0) + jnp.maximum(down, 0))
    return key, x, y, (0.5 * ((up > 0).astype(float) + (down > 0)))[:, None] * weights


with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
    json.dump(model, file)
    file.flush()
    ours = Ours("simulate", file.name, 1, N, args.threads)


def moments(y, d):
    return {"value": [y.mean(), y.std() / len(y) ** 0.5], "delta": [d[:, 0].mean(), d[:, 0].std() / len(y) ** 0.5]}


_, y, d = numpy_samples(rng)
key = jax.random.key(1)
for key in [key, jax.random.key(2, impl="rbg")]:
    _, _, jy, jd = jax_samples(key)
    for other in (moments(y, d), moments(np.asarray(jy), np.asarray(jd))):
        for name, (mean, error) in ours.about.items():
            apart, sure = abs(mean - other[name][0]), 5 * (error ** 2 + other[name][1] ** 2) ** 0.5
            assert apart < sure, f"{name}: means {mean} and {other[name][0]} are {apart} apart, expected less than {sure}"

keys = {"JAX, threefry": jax.random.key(1), "JAX, rbg": jax.random.key(1, impl="rbg")}
seconds = {name: [] for name in ["ours", "numpy, PCG64", "numpy, SFC64", *keys]}
generators = {"numpy, PCG64": rng, "numpy, SFC64": np.random.Generator(np.random.SFC64(1))}
for turn in range(args.rounds + 1):
    row = {"ours": float(np.median(ours.run(10)))}
    for name, generator in generators.items():
        start = time.perf_counter()
        numpy_samples(generator)
        row[name] = time.perf_counter() - start
    for name in keys:
        start = time.perf_counter()
        keys[name], *out = jax_samples(keys[name])
        jax.block_until_ready(out)
        row[name] = time.perf_counter() - start
    if turn:
        for name, s in row.items():
            seconds[name].append(s)
ours.close()
mine = np.median(seconds["ours"])
print(f"{args.threads} core(s), {N} samples of 7 assets, f64; means of values and deltas agree within 5 standard errors")
for name, s in seconds.items():
    s = np.median(s)
    print(f"{name:15} {N / s / 1e6:8.1f} M samples/s  {2 * N / s / 1e6:8.1f} M paths/s   ratio {s / mine:6.1f}", flush=True)
