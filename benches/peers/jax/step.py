"""One training step, ours against JAX's: the same network, data and loss, losses and gradients compared first, then timed in
turns on the same cores. `python step.py --threads 1` prints one line a case."""
import argparse, pathlib, tempfile, time

from ours import Ours, pin

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--only", default="", help="run the cases whose name holds this text")
parser.add_argument("--rounds", type=int, default=7)
args = parser.parse_args()
pin(args.threads)

import numpy as np
import jax, jax.numpy as jnp

jax.config.update("jax_enable_x64", True)
INPUTS, LARGE, SMALL, EIGHT = 7, [128] * 6, [3, 3, 1, 2, 2, 2], [8] * 6


def split(flat, widths):
    """Our flat layout: layer after layer the weights [fan_out][fan_in], then the biases."""
    layers, at = [], 0
    for fan_in, fan_out in zip(widths[:-1], widths[1:]):
        w = flat[at:at + fan_in * fan_out].reshape(fan_out, fan_in)
        at += fan_in * fan_out
        layers.append((w, flat[at:at + fan_out]))
        at += fan_out
    return layers


def network(flat, widths, x):
    layers = split(flat, widths)
    for w, b in layers[:-1]:
        x = jax.nn.silu(x @ w.T + b)
    return (x @ layers[-1][0].T + layers[-1][1])[..., 0]


def losses(widths, scale, sobolev):
    """Forms of one loss; ours is alpha mean (f-y)^2 + beta mean (d_j f - t_j)^2 / s_j."""
    n = INPUTS
    alpha, beta = (1 / (1 + n), n / (1 + n)) if sobolev else (1, 0)

    def values(flat, x, y, t):
        return alpha * jnp.mean((network(flat, widths, x) - y) ** 2)

    def by_sample(flat, x, y, t):  # reverse over reverse, sample by sample
        f, g = jax.vmap(jax.value_and_grad(lambda a: network(flat, widths, a)))(x)
        return alpha * jnp.mean((f - y) ** 2) + beta * jnp.mean((g - t) ** 2 / scale)

    def by_batch(flat, x, y, t):  # reverse over reverse, the batch at once
        f, pull = jax.vjp(lambda a: network(flat, widths, a), x)
        (g,) = pull(jnp.ones_like(f))
        return alpha * jnp.mean((f - y) ** 2) + beta * jnp.mean((g - t) ** 2 / scale)

    def frozen(flat, x, y, t):  # forward over reverse with the residual held fixed: our formulation
        f, pull = jax.vjp(lambda a: network(flat, widths, a), x)
        (g,) = pull(jnp.ones_like(f))
        r = jax.lax.stop_gradient(g - t)
        _, dot = jax.jvp(lambda a: network(flat, widths, a), (x,), (2 * r / scale / (n * len(y)),))
        loss = alpha * jnp.mean((f - y) ** 2) + beta * jnp.mean(r ** 2 / scale)
        linear = beta * jnp.sum(dot)
        return loss + linear - jax.lax.stop_gradient(linear)

    if not sobolev:
        return {"values": values}
    return {"reverse over reverse": by_sample, "reverse over reverse, batched": by_batch, "frozen residual": frozen}


def stepper(loss, repeat):
    """A jitted Adam step on a flat vector, its state given away; `repeat` of them in one call."""
    def one(state, x, y, t):
        p, m, v, k = state
        l, g = jax.value_and_grad(loss)(p, x, y, t)
        k = k + 1
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        bias1, bias2 = 1 - 0.9 ** k, 1 - 0.999 ** k
        p = p - (1e-9 / bias1).astype(p.dtype) * m / (jnp.sqrt(v / bias2.astype(p.dtype)) + jnp.asarray(1e-8, p.dtype))
        return (p, m, v, k), l

    def many(state, x, y, t):
        return jax.lax.scan(lambda s, _: one(s, x, y, t), state, None, length=repeat)

    return jax.jit(one if repeat == 1 else many, donate_argnums=0)


def case(name, hidden, batch, dtype, sobolev, rounds):
    rng, widths = np.random.default_rng(5), [INPUTS, *hidden, 1]
    blocks = [np.r_[rng.standard_normal(i * o) / np.sqrt(i + o), np.zeros(o)] for i, o in zip(widths[:-1], widths[1:])]
    numbers = {"params": np.concatenate(blocks), "x": rng.standard_normal((batch, INPUTS)),
               "y": rng.standard_normal(batch), "t": rng.standard_normal((batch, INPUTS))}
    numbers = {k: v.astype(dtype).astype(np.float64) for k, v in numbers.items()}
    with tempfile.TemporaryDirectory() as folder:
        for k, v in numbers.items():
            v.tofile(f"{folder}/{k}.f64")
        kind = "sobolev" if sobolev else "values"
        ours = Ours("step", ",".join(map(str, hidden)), batch, np.dtype(dtype).name.replace("float", "f"), kind, args.threads, folder)
        gradient = np.fromfile(pathlib.Path(folder) / "gradient.f64")
    p, x, y, t = (jnp.asarray(numbers[k], dtype) for k in ("params", "x", "y", "t"))
    scale = jnp.mean(t ** 2, 0)
    forms = {}
    for form, loss in losses(widths, scale, sobolev).items():
        l, g = jax.jit(jax.value_and_grad(loss))(p, x, y, t)
        g, eps = np.asarray(g, np.float64), float(jnp.finfo(dtype).eps)
        apart = np.abs(g - gradient).max() / np.abs(gradient).max()
        assert apart < 2000 * eps and abs(float(l) - ours.about["loss"]) < 2000 * eps * abs(float(l)), (name, form, apart)
        for repeat in (1, 20):
            forms[form + (", 20 steps a call" if repeat > 1 else "")] = (stepper(loss, repeat), repeat)
    copy = lambda: (p + 0, jnp.zeros_like(p), jnp.zeros_like(p), jnp.asarray(0.0))
    states = {form: copy() for form in forms}
    mine, theirs = [], {form: [] for form in forms}
    for turn in range(rounds + 1):
        size = max(5, min(200, int(0.06 / (mine[-1] if mine else 2e-3))))
        seconds = ours.run(size)
        if turn:
            mine.append(float(np.median(seconds)))
        for form, (step, repeat) in forms.items():
            seconds, calls = [], max(2, size // repeat // 2)
            for _ in range(calls):
                start = time.perf_counter()
                states[form], l = step(states[form], x, y, t)
                jax.block_until_ready(l)
                seconds.append((time.perf_counter() - start) / repeat)
            if turn:
                theirs[form].append(float(np.median(seconds)))
    ours.close()
    mine = np.median(mine)
    one = {f: np.median(s) for f, s in theirs.items() if "a call" not in f}
    many = {f: np.median(s) for f, s in theirs.items() if "a call" in f}
    best, scanned = min(one, key=one.get), min(many, key=many.get)
    about = ours.about
    print(f"{name:28} ours {1e6 * mine:8.1f} us ({100 * about['flops'] / mine / about['peak'] / args.threads:3.0f} % of the limit)"
          f" | JAX {1e6 * one[best]:8.1f} us, ratio {one[best] / mine:5.2f} ({best})"
          f" | 20 steps a call {1e6 * many[scanned]:8.1f} us, ratio {many[scanned] / mine:5.2f}", flush=True)
    for form, seconds in sorted({**one, **many}.items()):
        print(f"    {form:45} {1e6 * seconds:9.1f} us", flush=True)


for hidden, label in ((LARGE, "6x128"), (SMALL, "3-3-1-2-2-2"), (EIGHT, "8x6")):
    for dtype in (np.float32, np.float64):
        for sobolev in (True, False):
            for batch in (256, 512):
                name = f"{label} {'sobolev' if sobolev else 'values'} {np.dtype(dtype).name.replace('float', 'f')} {batch}"
                if args.only in name:
                    case(name, hidden, batch, dtype, sobolev, args.rounds)
