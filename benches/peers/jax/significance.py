"""Bounds of 7-128x6-1 over boxes, values forward and adjoints back: ours, rounded outward, against a transcription into numpy
and JAX that is not. `python significance.py` prints one line for one box and one for 1024."""
import pathlib, tempfile, time

from ours import Ours, pin

pin(1)

import numpy as np
import jax, jax.numpy as jnp

jax.config.update("jax_enable_x64", True)
WIDTHS, ROUNDS = [7] + [128] * 6 + [1], 7
LEAST, LEAST_VALUE, BEND, STEEP, FLAT = -1.278464542761074, -0.2784645427610738, 2.3993572805154675, 1.099839320128867, -0.09983932012886692


def product(xp, w, b, lo, hi):
    """W [lo, hi] + b by centre and radius."""
    centre, radius = w @ ((lo + hi) / 2) + b, xp.abs(w) @ ((hi - lo) / 2)
    return centre - radius, centre + radius


def silu(xp, lo, hi):
    """Ranges of SiLU and of its slope."""
    ends = []
    for x in (lo, hi):
        s = 1 / (1 + xp.exp(-x))
        ends.append((x * s, s + x * s * (1 - s)))
    (a, da), (b, db) = ends
    inside = lambda at: (lo <= at) & (at <= hi)
    value = xp.where(inside(LEAST), LEAST_VALUE, xp.minimum(a, b)), xp.maximum(a, b)
    slope = xp.where(inside(-BEND), FLAT, xp.minimum(da, db)), xp.where(inside(BEND), STEEP, xp.maximum(da, db))
    return value, slope


def adjoints(xp, layers, lo, hi):
    """Bounds of the output, and of its derivatives by the inputs."""
    slopes = []
    for w, b in layers[:-1]:
        (lo, hi), slope = silu(xp, *product(xp, w, b, lo, hi))
        slopes.append(slope)
    w, b = layers[-1]
    value = product(xp, w, b, lo, hi)
    bar = (xp.broadcast_to(w.T, lo.shape),) * 2
    for (w, _), (below, above) in zip(layers[-2::-1], slopes[::-1]):
        products = [s * d for s in (below, above) for d in bar]
        low = xp.minimum(xp.minimum(products[0], products[1]), xp.minimum(products[2], products[3]))
        high = xp.maximum(xp.maximum(products[0], products[1]), xp.maximum(products[2], products[3]))
        bar = product(xp, w.T, 0, low, high)
    return *value, *bar


rng = np.random.default_rng(3)
layers = [(rng.standard_normal((o, i)) * np.sqrt(1 / (i + o)), np.zeros((o, 1))) for i, o in zip(WIDTHS[:-1], WIDTHS[1:])]
flat = np.concatenate([part.ravel() for layer in layers for part in layer])
multiply_adds = 2 * sum(w.size for w, _ in layers)
compiled = jax.jit(lambda lo, hi: adjoints(jnp, layers, lo, hi))
for boxes in (1, 1024):
    lo = rng.uniform(-1, 1, (7, boxes))
    hi = lo + 0.05
    with tempfile.TemporaryDirectory() as folder:
        for name, numbers in (("params", flat), ("lo", lo), ("hi", hi)):
            numbers.astype(np.float64).tofile(f"{folder}/{name}.f64")
        ours = Ours("significance", ",".join(map(str, WIDTHS[1:-1])), boxes, folder)
        read = lambda name: np.fromfile(pathlib.Path(folder) / f"{name}.f64").reshape(7, boxes)
        bar = read("bar_lo"), read("bar_hi")
    theirs = {"numpy": lambda: adjoints(np, layers, lo, hi), "JAX": lambda: jax.block_until_ready(compiled(lo, hi))}
    for name, call in theirs.items():
        low, high = call()[2:]
        size = np.abs(high).max()
        # Sound, and no wider than rounding.
        assert np.all(bar[0] <= low + 1e-13 * size) and np.all(bar[1] >= high - 1e-13 * size), name
        assert np.abs(bar[0] - low).max() < 1e-9 * size and np.abs(bar[1] - high).max() < 1e-9 * size, name
    seconds = {name: [] for name in ("ours", *theirs)}
    for _ in range(ROUNDS):
        seconds["ours"].append(np.median(ours.run(max(5, 2000 // boxes))))
        for name, call in theirs.items():
            times = []
            for _ in range(max(3, 200 // boxes)):
                start = time.perf_counter()
                call()
                times.append(time.perf_counter() - start)
            seconds[name].append(np.median(times))
    ours.close()
    mine = np.median(seconds["ours"])
    row = [f"{name} {1e6 * np.median(s) / boxes:9.1f} us a box, {1e9 * np.median(s) / boxes / multiply_adds:.3f} ns a multiply-add, "
           f"ratio {np.median(s) / mine:.1f}" for name, s in seconds.items()]
    print(f"{boxes:5} boxes | " + " | ".join(row), flush=True)
