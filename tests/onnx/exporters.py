"""Makes the networks of `exporters/` with the exporters that people use, and their values with `onnxruntime`.

    pip install numpy onnx onnxruntime onnxscript torch jax2onnx scikit-learn skl2onnx   # python tests/onnx/exporters.py torch jax sklearn
    pip install "tensorflow-cpu<2.19" tf2onnx "onnx<1.18" onnxruntime                    # python tests/onnx/exporters.py tensorflow

Each EXPORTER_NAME.onnx has a .csv beside it: one line a sample, three inputs, then the output.
Made with torch 2.15, jax2onnx 0.17, skl2onnx 1.20, tf2onnx 1.17.
"""
import pathlib
import sys
import numpy as np
import onnxruntime

HERE = pathlib.Path(__file__).parent / "exporters"
rng = np.random.default_rng(11)
MEAN, DEVIATION = np.array([1.0, 2.0, -0.5]), np.array([0.5, 2.0, 1.5])
LAYERS = [(rng.normal(size=(i, o)) / i**0.5, rng.normal(size=o)) for i, o in [(3, 5), (5, 4), (4, 1)]]


def values(name, path, dtype=np.float64, reference=None):
    """Writes what the file computes at six points; `reference` computes it where onnxruntime has no kernel."""
    x = rng.uniform(-2, 2, size=(6, 3)).astype(dtype)
    try:
        session = onnxruntime.InferenceSession(path)
        y = session.run(None, {session.get_inputs()[0].name: x})[0]
    except Exception:
        y = reference(x)
    table = np.hstack([x, np.asarray(y, np.float64).reshape(6, -1)[:, :1]])
    np.savetxt(HERE / f"{name}.csv", table, fmt="%.17g", delimiter=",")


def without_traces(path):
    """Removes where in whose program each node came from, which PyTorch's newer exporter writes into the file."""
    import onnx
    model = onnx.load(path, load_external_data=False)
    graph = model.graph
    for item in [model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer]:
        if hasattr(item, "metadata_props"):
            del item.metadata_props[:]
        item.doc_string = ""
    del graph.value_info[:]
    onnx.save(model, path)


def mlp(act, matmul, number):
    def network(x):
        for weight, bias in LAYERS[:-1]:
            x = act(matmul(x, number(weight)) + number(bias))
        return matmul(x, number(LAYERS[-1][0])) + number(LAYERS[-1][1])
    return network


def with_torch():
    import torch
    from torch import nn
    from torch.nn import functional as F
    torch.manual_seed(1)

    class Net(nn.Module):
        def __init__(self, act, before=lambda x: x, after=lambda y: y):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(3, 5), nn.Linear(5, 4), nn.Linear(4, 1)]).double()
            self.act, self.before, self.after = act, before, after

        def forward(self, x):
            x = self.before(x)
            for layer in self.layers[:-1]:
                x = self.act(layer(x))
            return self.after(self.layers[-1](x))

    class Gradient(Net):
        def forward(self, x):
            a, slopes = x, []
            for layer in self.layers[:-1]:
                z = layer(a)
                s = torch.sigmoid(z)
                a = z * s
                slopes.append(s * (1 + z * (1 - s)))
            y = self.layers[-1](a)
            g = self.layers[2].weight.expand(x.size(0), -1)
            for layer, slope in zip(reversed(self.layers[:-1]), reversed(slopes)):
                g = (g * slope) @ layer.weight
            return y, g

    class Left(Net):
        def forward(self, x):
            h = x.T
            for layer in self.layers[:-1]:
                h = torch.tanh(layer.weight @ h + layer.bias[:, None])
            return (self.layers[-1].weight @ h + self.layers[-1].bias[:, None]).T

    mean, deviation = torch.tensor(MEAN), torch.tensor(DEVIATION)
    dead = lambda x: torch.where(x > 0, x, torch.zeros_like(x))
    stable = lambda x: x.clamp(min=0) + torch.log1p(torch.exp(-x.abs()))
    tanh = lambda x: (x.exp() - (-x).exp()) / (x.exp() + (-x).exp())
    norm = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 5), nn.BatchNorm1d(5), nn.SiLU(), nn.Dropout(), nn.Linear(5, 1))
    for layer in norm:
        if isinstance(layer, nn.BatchNorm1d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
    wide = nn.Sequential(nn.Linear(3, 20), nn.SiLU(), nn.Linear(20, 20), nn.SiLU(), nn.Linear(20, 1)).double()
    half = nn.Sequential(nn.Linear(3, 5), nn.SiLU(), nn.Linear(5, 1))
    cases = [
        ("silu", Net(F.silu), [(9, False), (18, True)]),
        ("scaled", Net(F.silu, lambda x: (x - mean) / deviation, lambda y: y * 0.3 + 0.7), [(11, False), (20, True)]),
        ("softplus_beta", Net(nn.Softplus(beta=3.0)), [(13, False), (18, True)]),
        ("logsigmoid", Net(F.logsigmoid), [(17, False)]),
        ("softplus_stable", Net(stable), [(18, True)]),
        ("relu_where", Net(dead), [(17, False), (18, True)]),
        ("tanh_exponentials", Net(tanh), [(18, True)]),
        ("silu_exponentials", Net(lambda x: x * x.exp() / (1 + x.exp())), [(17, False)]),
        ("view_flatten", Net(F.silu, lambda x: x.view(x.size(0), -1), lambda y: y.flatten()), [(15, False), (18, True)]),
        ("index_clamp", Net(F.silu, lambda x: torch.stack([x[:, 2], x[:, 0], x[:, 1]], 1), lambda y: y[:, 0].clamp(min=0)),
         [(17, False)]),
        ("split_cat", Net(F.silu, lambda x: torch.cat([2 * p for p in x.split(1, 1)][::-1], 1)), [(18, True)]),
        ("sum", Net(torch.tanh, after=lambda y: y.sum(-1)), [(17, False), (18, True)]),
        ("einsum", Net(F.silu, lambda x: torch.einsum("bi,oi->bo", x, torch.tensor(np.diag(DEVIATION)))), [(18, True)]),
        ("left", Left(None), [(17, False)]),
        ("value_and_gradient", Gradient(None), [(17, False)]),
        ("norm", norm.double().eval(), [(18, True)]),
        ("external", wide, [(18, True)]),
        ("half", half.half(), [(18, True)]),
        ("bfloat", nn.Sequential(nn.Linear(3, 5), nn.SiLU(), nn.Linear(5, 1)).bfloat16(), [(18, True)]),
    ]
    for name, net, forms in cases:
        dtype = next(net.parameters()).dtype
        sample = torch.zeros(6, 3, dtype=dtype)
        for opset, dynamo in forms:
            full = f"{'half' if dtype != torch.float64 else 'torch'}_{name}" + ("_dynamo" if dynamo else "")
            path = HERE / f"{full}.onnx"
            open_batch = {"dynamic_shapes": ({0: torch.export.Dim("N")},)} if dynamo else {"dynamic_axes": {"x": {0: "N"}}}
            more = {"external_data": name == "external"} if dynamo else {}
            torch.onnx.export(net.eval(), (sample,), path, input_names=["x"], opset_version=opset, dynamo=dynamo, verbose=False,
                              **open_batch, **more)
            without_traces(path)
            first = lambda y: (y[0] if isinstance(y, tuple) else y).detach().double().numpy()
            # What onnxruntime gets is rounded to half precision before, so that it sees the same numbers.
            single = np.float16 if dtype == torch.float16 else np.float64
            values(full, path, single, lambda x: first(net(torch.tensor(x).to(dtype))))


def with_jax():
    import jax
    import onnx
    from jax import numpy as jnp
    from jax2onnx import to_onnx
    jax.config.update("jax_enable_x64", True)
    einsum = lambda a, b: jnp.einsum("bi,io->bo", a, b)
    one = mlp(jax.nn.silu, jnp.matmul, jnp.asarray)
    for name, network in [
        ("silu", one), ("softplus", mlp(jax.nn.softplus, jnp.matmul, jnp.asarray)),
        ("einsum", mlp(jnp.tanh, einsum, jnp.asarray)), ("vmap", jax.vmap(lambda x: one(x)[0])),
        ("value_and_gradient", lambda x: (one(x), jax.grad(lambda x: one(x).sum())(x))),
    ]:
        path = HERE / f"jax_{name}.onnx"
        onnx.save(to_onnx(network, [("B", 3)], enable_double_precision=True), path)
        values(path.stem, path, reference=lambda x: network(x)[0] if isinstance(network(x), tuple) else network(x))


def with_tensorflow():
    import tensorflow as tf
    import tf2onnx
    spec = [tf.TensorSpec((None, 3), tf.float64, name="x")]
    unstacked = lambda x: mlp(tf.nn.silu, tf.matmul, tf.constant)(tf.stack(tf.unstack(x, axis=1)[::-1], 1))
    for name, network, opset in [
        ("silu", mlp(tf.nn.silu, tf.matmul, tf.constant), 9), ("softplus", mlp(tf.nn.softplus, tf.matmul, tf.constant), 13),
        ("division", mlp(lambda x: x / (1 + tf.exp(-x)), tf.matmul, tf.constant), 18), ("unstack", unstacked, 13),
        ("tensordot", mlp(tf.nn.tanh, lambda a, b: tf.tensordot(a, b, 1), tf.constant), 18),
    ]:
        path = HERE / f"tensorflow_{name}.onnx"
        function = tf.function(network, input_signature=spec)
        tf2onnx.convert.from_function(function, input_signature=spec, opset=opset, output_path=str(path))
        values(path.stem, path, reference=lambda x: network(tf.constant(x)).numpy())


def with_sklearn():
    import onnx
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LinearRegression
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
    inputs = rng.normal(size=(200, 3)) * [1, 2, 3] + 1
    labels = inputs[:, 0] * 2 + np.sin(inputs[:, 1])
    net = lambda: MLPRegressor(hidden_layer_sizes=(8, 4), activation="tanh", max_iter=50, random_state=1)
    columns = lambda: ColumnTransformer([("a", StandardScaler(), [2, 0]), ("b", "passthrough", [1])])
    for name, model, kind in [
        ("open", make_pipeline(MinMaxScaler(), net()), DoubleTensorType([None, None])),
        ("columns", make_pipeline(columns(), net()), DoubleTensorType([None, 3])),
        ("single_linear", LinearRegression(), FloatTensorType([None, 3])),
    ]:
        path = HERE / f"sklearn_{name}.onnx"
        onnx.save(convert_sklearn(model.fit(inputs, labels), initial_types=[("X", kind)]), path)
        values(path.stem, path, np.float32 if "single" in name else np.float64, lambda x: model.predict(x))


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    for exporter in sys.argv[1:]:
        globals()[f"with_{exporter}"]()
