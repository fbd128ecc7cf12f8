"""Stages of a whole run in JAX, with the data sizes, epochs, batches and schedule of `sobolev --seed 1`, whose own times stand
in its `table2.json` under `seconds`: training of 7-6x128-1 on values, and fine-tuning of 7-3-3-1-2-2-2-1 on values and deltas of the
model by Adam. No pruning, no Levenberg-Marquardt. `python pipeline.py OUT/table2.json [THREADS]`"""
import json, sys, time

from ours import pin

pin(int(sys.argv[2]) if len(sys.argv) > 2 else 2)

import numpy as np
import jax, jax.numpy as jnp
from jax.scipy.stats import norm
from basket import M, STRIKE, basket

rng = np.random.default_rng(1)
weights, correlation, vols = basket(rng)
root = jnp.asarray(np.linalg.cholesky(correlation) * vols[:, None], jnp.float32)
weights = jnp.asarray(weights, jnp.float32)


def samples(key, n, pairs):
    """Inputs, and the mean payoff and deltas of `pairs` antithetic pairs of paths."""
    inputs, paths = jax.random.split(key)
    x = 1 + jax.random.normal(inputs, (n, M), jnp.float32) @ (1.5 * root).T
    move = jax.random.normal(paths, (n, pairs, M), jnp.float32) @ (root.T @ weights)
    base = (x @ weights - STRIKE)[:, None]
    up, down = base + move, base - move
    y = 0.5 * (jnp.maximum(up, 0) + jnp.maximum(down, 0)).mean(1)
    inside = 0.5 * ((up > 0).astype(jnp.float32) + (down > 0)).mean(1)
    return x, y, inside[:, None] * weights


def closed_form(x):
    d = (x @ weights - STRIKE) / 0.2
    return 0.2 * (d * norm.cdf(d) + norm.pdf(d)), norm.cdf(d)[:, None] * weights


def network(layers, x):
    for w, b in layers[:-1]:
        x = jax.nn.silu(x @ w.T + b)
    return (x @ layers[-1][0].T + layers[-1][1])[..., 0]


def initial(widths):
    draw = lambda i, o: rng.standard_normal((o, i)) * np.sqrt(1 / (i + o))
    return [(jnp.asarray(draw(i, o), jnp.float32), jnp.zeros(o)) for i, o in zip(widths[:-1], widths[1:])]


def stage(name, widths, n, pairs, batch, epochs, peak, sobolev):
    x, y, t = samples(jax.random.key(7), 8192, pairs)
    mean, deviation, middle, size = x.mean(0), x.std(0), y.mean(), y.std()
    spread = ((t * deviation / size) ** 2).mean(0)
    steps = epochs * n // batch

    def loss(layers, x, y, t):
        if not sobolev:
            return jnp.mean((network(layers, x) - y) ** 2)
        f, pull = jax.vjp(lambda a: network(layers, a), x)
        (g,) = pull(jnp.ones_like(f))
        return (jnp.mean((f - y) ** 2) + M * jnp.mean((g - t) ** 2 / spread)) / (1 + M)

    def rate(k):
        rise = 0.3 * steps
        return peak * jnp.where(k < rise, 0.04 + 0.96 * (1 - jnp.cos(jnp.pi * k / rise)) / 2, (1 + jnp.cos(jnp.pi * (k - rise) / (steps - rise))) / 2)

    def step(state, data):
        p, m, v, k = state
        g = jax.grad(loss)(p, *data)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        lr, b1, b2 = rate(k), 1 - 0.9 ** (k + 1), 1 - 0.999 ** (k + 1)
        p = jax.tree.map(lambda p, m, v: p - lr * (m / b1) / (jnp.sqrt(v / b2) + 1e-8), p, m, v)
        return (p, m, v, k + 1), None

    @jax.jit
    def epoch(state, key):
        x, y, t = samples(key, n, pairs)
        data = (x - mean) / deviation, (y - middle) / size, t * deviation / size
        return jax.lax.scan(step, state, jax.tree.map(lambda a: a.reshape(n // batch, batch, *a.shape[1:]), data))[0]

    layers = initial(widths)
    state = layers, *(jax.tree.map(jnp.zeros_like, layers) for _ in range(2)), jnp.asarray(0.0)
    keys = jax.random.split(jax.random.key(1), epochs)
    jax.block_until_ready(epoch(state, keys[0]))  # compiled before it is timed
    start = time.perf_counter()
    for key in keys:
        state = epoch(state, key)
    jax.block_until_ready(state)
    seconds = time.perf_counter() - start

    x, *_ = samples(jax.random.key(99), 4096, 1)
    f, g = jax.vmap(jax.value_and_grad(lambda a: network(state[0], (a - mean) / deviation) * size + middle))(x)
    r2 = lambda a, b: float(1 - ((a - b) ** 2).sum() / ((b - b.mean(0)) ** 2).sum())
    want = closed_form(x)
    print(f"{name:20} JAX {seconds:6.1f} s, R² {r2(f, want[0]):.6f} / {r2(g, want[1]):.6f}", flush=True)
    return seconds


ours = json.load(open(sys.argv[1]))["seconds"]
train = stage("train", [M] + [128] * 6 + [1], 1 << 17, 64, 512, 72, 0.0005, False)
tune = stage("finetune from model", [M, 3, 3, 1, 2, 2, 2, 1], 1 << 18, 16, 1024, 8, 0.01, True)
print(f"ours: train {ours['train']:.1f} s, ratio {train / ours['train']:.2f}; finetune from model, Levenberg-Marquardt included, "
      f"{ours['finetune from model']:.1f} s, ratio {tune / ours['finetune from model']:.2f}")
