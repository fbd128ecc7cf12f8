"""Makes the small networks of this folder with the `onnx` package, and their values with `onnxruntime` (with the reference evaluator of
`onnx` where onnxruntime has no kernel).

    pip install numpy onnx onnxruntime
    python tests/onnx/make.py

Each NAME.onnx has a NAME.csv beside it: one line a sample, the inputs, then the outputs. Every file writes a multilayer
perceptron in another way that exporters have.
"""
import pathlib
import numpy as np
import onnx
from onnx import TensorProto as T, helper as h, numpy_helper
from onnx.reference import ReferenceEvaluator
import onnxruntime

HERE = pathlib.Path(__file__).parent
rng = np.random.default_rng(7)
W1, b1 = rng.normal(size=(5, 3)), rng.normal(size=5)
W2, b2 = rng.normal(size=(4, 5)) / 2, rng.normal(size=4)
W3, b3 = rng.normal(size=(1, 4)) / 2, rng.normal(size=1)


def const(name, array, dtype=np.float64, typed=False):
    array = np.asarray(array, dtype)
    if typed:
        return h.make_tensor(name, h.np_dtype_to_tensor_dtype(array.dtype), array.shape, array.ravel().tolist())
    return numpy_helper.from_array(array, name)


def ints(name, values):
    return const(name, values, np.int64)


def node(op, inputs, output, **attributes):
    return h.make_node(op, inputs.split(), [output], name=f"{op}_{output}", **attributes)


def save(name, nodes, initializers, shape_in=("N", 3), shape_out=("N", 1), kind=T.DOUBLE, opset=17, functions=()):
    graph = h.make_graph(
        nodes, name,
        [h.make_tensor_value_info("x", kind, shape_in)],
        [h.make_tensor_value_info("y", kind, shape_out)],
        initializers,
    )
    opsets = [h.make_opsetid("", opset)] + ([h.make_opsetid("made.here", 1)] if functions else [])
    model = h.make_model(graph, opset_imports=opsets, ir_version=8, functions=functions)
    onnx.checker.check_model(model)
    onnx.save(model, HERE / f"{name}.onnx")
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString())
    except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented:  # no kernel in double precision
        session = ReferenceEvaluator(model)
    dtype = np.float32 if kind == T.FLOAT else np.float64
    x = rng.uniform(-2, 2, size=(6, 3)).astype(dtype)
    fixed = [d for d in shape_in if not isinstance(d, str)]
    open_batch = any(isinstance(d, str) for d in shape_in)
    if open_batch and shape_in[-1] != "N":
        y = session.run(None, {"x": x})[0].reshape(6, -1)
    elif open_batch:  # features by samples
        y = session.run(None, {"x": np.ascontiguousarray(x.T)})[0].reshape(-1, 6).T
    elif fixed and np.prod(fixed) == 3:
        y = np.stack([session.run(None, {"x": row.reshape(shape_in)})[0].ravel() for row in x])
    else:  # a fixed number of samples
        y = session.run(None, {"x": x.reshape(shape_in)})[0].reshape(6, -1)
    np.savetxt(HERE / f"{name}.csv", np.hstack([x, y]), fmt="%.17g", delimiter=",")


def layers(activation, inits, x="x", end="y"):
    """x -> Gemm -> activation -> Gemm -> activation -> Gemm -> y; `activation(i, u, out)` gives nodes."""
    inits += [const("W1", W1), const("b1", b1), const("W2", W2), const("b2", b2), const("W3", W3), const("b3", b3)]
    return (
        [node("Gemm", f"{x} W1 b1", "u1", transB=1)] + activation(1, "u1", "h1")
        + [node("Gemm", "h1 W2 b2", "u2", transB=1)] + activation(2, "u2", "h2")
        + [node("Gemm", "h2 W3 b3", end, transB=1)]
    )


# Activations, as one operator and taken apart.
for op in ["Relu", "Tanh", "Sigmoid", "Softplus"]:
    init = []
    save(op.lower(), layers(lambda i, u, out: [node(op, u, out)], init), init)

one = const("one", 1.0)
init = [one]
save("silu_division", layers(lambda i, u, out: [
    node("Neg", u, f"n{i}"), node("Exp", f"n{i}", f"e{i}"), node("Add", f"e{i} one", f"d{i}"),
    node("Div", f"{u} d{i}", out)], init), init)
init = [one, const("minus", -1.0)]
save("silu_one_over", layers(lambda i, u, out: [
    node("Mul", f"minus {u}", f"n{i}"), node("Exp", f"n{i}", f"e{i}"), node("Add", f"one e{i}", f"d{i}"),
    node("Div", f"one d{i}", f"s{i}"), node("Mul", f"s{i} {u}", out)], init), init)
init = [one]
save("silu_exp_over", layers(lambda i, u, out: [
    node("Exp", u, f"e{i}"), node("Add", f"e{i} one", f"d{i}"), node("Div", f"e{i} d{i}", f"s{i}"),
    node("Mul", f"{u} s{i}", out)], init), init)
init = [const("half", 0.5), one]
save("silu_tanh", layers(lambda i, u, out: [
    node("Mul", f"{u} half", f"v{i}"), node("Tanh", f"v{i}", f"t{i}"), node("Add", f"t{i} one", f"p{i}"),
    node("Mul", f"v{i} p{i}", out)], init), init)
init = [const("zero", 0.0)]
save("relu_maximum", layers(lambda i, u, out: [node("Max", f"zero {u}", out)], init), init)
init = [const("beta", 1.702)]
save("swish_beta", layers(lambda i, u, out: [
    node("Mul", f"{u} beta", f"v{i}"), node("Sigmoid", f"v{i}", f"s{i}"), node("Mul", f"{u} s{i}", out)], init), init)
init = [one]
save("sigmoid_complement", layers(lambda i, u, out: [
    node("Sigmoid", u, f"s{i}"), node("Sub", f"one s{i}", out)], init), init)
init = [one]
save("softplus_log", layers(lambda i, u, out: [
    node("Exp", u, f"e{i}"), node("Add", f"e{i} one", f"p{i}"), node("Log", f"p{i}", out)], init), init)

silu = lambda i, u, out: [node("Sigmoid", u, f"s{i}"), node("Mul", f"{u} s{i}", out)]

# Scaling layers before and behind, as exporters write them.
init = [const("mean", [1.0, 2.0, -0.5]), const("deviation", [0.5, 2.0, 1.5]), const("a", 0.3), const("b", [0.7])]
save("scaled", [node("Sub", "x mean", "c"), node("Div", "c deviation", "z")] + layers(silu, init, "z", "r")
     + [node("Mul", "r a", "m"), node("Add", "m b", "y")], init)
init = [const("slope", [2.0, 0.5, -1.5]), const("shift", [[0.1, 0.2, 0.3]]), const("a", -0.3), const("b", [0.7])]
save("scaled_negative", [node("Mul", "x slope", "c"), node("Add", "shift c", "z")] + layers(silu, init, "z", "r")
     + [node("Mul", "r a", "m"), node("Sub", "b m", "y")], init)
init = [const("gain", [1.0, 2.0, 0.5]), const("bias", [0.1, 0.2, 0.3]), const("mu", [0.5, 0.0, -1.0]),
        const("var", [1.0, 4.0, 0.25])]
save("batch_normalization", [node("BatchNormalization", "x gain bias mu var", "z", epsilon=1e-3)]
     + layers(silu, init, "z"), init, opset=15)

# Products in every order, transposed or not, with factors.
init = [const("W1", W1.T), const("b1", b1), const("W2", W2.T), const("b2", [b2]), const("W3", W3.T), const("b3", b3)]
save("matmul_add", [node("MatMul", "x W1", "p1"), node("Add", "p1 b1", "u1")] + silu(1, "u1", "h1")
     + [node("MatMul", "h1 W2", "p2"), node("Add", "b2 p2", "u2")] + silu(2, "u2", "h2")
     + [node("MatMul", "h2 W3", "p3"), node("Add", "p3 b3", "y")], init)
init = [const("W1", W1), const("b1", b1[:, None]), const("W2", W2), const("b2", b2[:, None]), const("W3", W3),
        const("b3", [b3])]
columns = ([node("MatMul", "W1 x", "p1"), node("Add", "p1 b1", "u1")] + silu(1, "u1", "h1")
           + [node("MatMul", "W2 h1", "p2"), node("Add", "p2 b2", "u2")] + silu(2, "u2", "h2")
           + [node("MatMul", "W3 h2", "p3"), node("Add", "p3 b3", "y")])
save("columns", columns, init, (3, "N"), (1, "N"))
save("one_column", columns, init, (3, 1), (1, 1))
init = [const("W1", W1.T), const("b1", b1), const("W2", W2.T * 2), const("b2", b2 / 4), const("W3", W3.T), const("b3", b3)]
save("gemm_flags", [node("Gemm", "x W1 b1", "u1")] + silu(1, "u1", "h1")
     + [node("Gemm", "h1 W2 b2", "u2", alpha=0.5, beta=4.0)] + silu(2, "u2", "h2")
     + [node("Gemm", "W3 h2 b3", "t", transA=1, transB=1), node("Transpose", "t", "y", perm=[1, 0])], init)
init = [const("W1", W1), const("b1", b1)]
save("two_outputs", [node("Gemm", "x W1 b1", "u", transB=1)] + silu(1, "u", "h")
     + [node("Gemm", "h W2 b2", "y", transB=1)], init + [const("W2", W2), const("b2", b2)], ("N", 3), ("N", 4))

# One sample without an axis for it; a fixed number of them.
init = [const("W1", W1.T), const("b1", b1), const("W2", W2.T), const("b2", b2), const("W3", W3[0]), const("b3", b3[0])]
vector = ([node("MatMul", "x W1", "p1"), node("Add", "p1 b1", "u1")] + silu(1, "u1", "h1")
          + [node("MatMul", "h1 W2", "p2"), node("Add", "p2 b2", "u2")] + silu(2, "u2", "h2")
          + [node("MatMul", "h2 W3", "p3"), node("Add", "p3 b3", "y")])
save("vector", vector, init, (3,), ())
save("values_without_axis", vector, init, ("N", 3), ("N",))
init = [const("W1", W1.T), const("b1", np.tile(b1, (6, 1))), const("W2", W2), const("b2", np.tile(b2[:, None], (1, 6))),
        const("W3", W3), const("b3", b3), ints("to", [6, 5]), ints("flat", [6])]
save("fixed_batch", [node("MatMul", "x W1", "p1"), node("Add", "p1 b1", "u0"), node("Reshape", "u0 to", "u1")]
     + silu(1, "u1", "h1") + [node("Transpose", "h1", "t1"), node("MatMul", "W2 t1", "p2"), node("Add", "p2 b2", "u2")]
     + silu(2, "u2", "h2") + [node("MatMul", "W3 h2", "p3"), node("Add", "p3 b3", "o"), node("Reshape", "o flat", "y")],
     init, (6, 3), (6,))
init = [ints("minus_one", [-1]), ints("zero", [0]), ints("i0", 0)]
save("shape_arithmetic", [node("Shape", "x", "sh"), node("Gather", "sh i0", "n", axis=0), node("Unsqueeze", "n zero", "n1"),
     node("Concat", "n1 minus_one", "to", axis=0), node("Reshape", "x to", "f"), node("Unsqueeze", "f minus_one", "c"),
     node("Squeeze", "c minus_one", "s"), node("Flatten", "s", "z")] + layers(silu, init, "z"), init)

# Constants as nodes, typed data, folded arithmetic; single precision.
init = []
folded = [h.make_node("Constant", [], ["V1"], value=const("v", W1.T, typed=True)),
          h.make_node("Constant", [], ["two"], value=const("v", [2.0], typed=True)),
          node("Mul", "V1 two", "V2"), node("Div", "V2 two", "V3"), node("Transpose", "V3", "V4", perm=[1, 0]),
          node("Identity", "V4", "V")]
save("constants", folded + [node("Gemm", "x V b1", "u1", transB=1)] + silu(1, "u1", "h1")
     + [node("Dropout", "h1", "d1"), node("Gemm", "d1 W2 b2", "u2", transB=1)] + silu(2, "u2", "h2")
     + [node("Gemm", "h2 W3 b3", "y", transB=1)],
     [const("b1", b1, typed=True), const("W2", W2, typed=True), const("b2", b2), const("W3", W3), const("b3", b3)])
init = []
nodes = [node("Cast", "x", "xs", to=T.DOUBLE)] + layers(silu, init, "xs", "r") + [node("Cast", "r", "y", to=T.FLOAT)]
save("single_outside", nodes, init, kind=T.FLOAT)
single = dict(dtype=np.float32)
save("single", [node("Gemm", "x W1 b1", "u1", transB=1)] + silu(1, "u1", "h1")
     + [node("Gemm", "h1 W2 b2", "u2", transB=1)] + silu(2, "u2", "h2") + [node("Gemm", "h2 W3 b3", "y", transB=1)],
     [const("W1", W1, **single), const("b1", b1, typed=True, **single), const("W2", W2, **single),
      const("b2", b2, **single), const("W3", W3, typed=True, **single), const("b3", b3, **single)], kind=T.FLOAT)
init = []
save("activated_output", layers(silu, init, "x", "r") + [node("Softplus", "r", "p"), node("Mul", "p two", "y")],
     init + [const("two", 2.0)])
save("linear", [node("Gemm", "x W b", "y", transB=1)], [const("W", W1[:1]), const("b", b1[:1])])
# Another exporter's shared pre-activation: the same product written twice.
init = [const("W1", W1.T), const("b1", b1), const("W", W2[:1].T)]
save("written_twice", [node("MatMul", "x W1", "p"), node("Add", "p b1", "u"), node("MatMul", "x W1", "q"),
     node("Add", "q b1", "v"), node("Sigmoid", "v", "s"), node("Mul", "u s", "h"), node("MatMul", "h W", "y")], init)

# Operators that the file itself explains, with attributes of the call and defaults; one calls another.
function = lambda name, inputs, outputs, nodes, names=(), **defaults: h.make_function(
    "made.here", name, inputs, outputs, nodes, [h.make_opsetid("", 17), h.make_opsetid("made.here", 1)], names,
    [h.make_attribute(key, value) for key, value in defaults.items()])
referring = h.make_node("Gemm", ["a", "w", "b"], ["out"])
for key in ["transB", "alpha"]:
    attribute = referring.attribute.add(name=key, ref_attr_name=key)
    attribute.type = onnx.AttributeProto.INT if key == "transB" else onnx.AttributeProto.FLOAT
gate = function("Gate", ["v"], ["w"], [h.make_node("Sigmoid", ["v"], ["t"]), h.make_node("Mul", ["v", "t"], ["w"])])
dense = function("Dense", ["a", "w", "b"], ["out"], [referring], ["transB"], alpha=1.0)
layer = function("Layer", ["a", "w", "b"], ["out"], [
    h.make_node("Dense", ["a", "w", "b"], ["t"], domain="made.here", transB=1),
    h.make_node("Gate", ["t"], ["out"], domain="made.here")])
made = lambda op, inputs, output, **attributes: node(op, inputs, output, domain="made.here", **attributes)
init = []
layers(silu, init)
save("functions", [made("Layer", "x W1 b1", "h1"), made("Layer", "h1 W2 b2", "h2"), made("Dense", "h2 W3 b3", "y", transB=1)],
     init, functions=[gate, dense, layer])

# What is no network here, each for one reason.
HERE /= "refused"


def refuse(name, nodes, initializers, inputs=(("x", ("N", 3)),), outputs=("y",), opset=17, domains=()):
    graph = h.make_graph(
        nodes, name,
        [h.make_tensor_value_info(n, T.DOUBLE, s) for n, s in inputs],
        [h.make_tensor_value_info(o, T.DOUBLE, None) for o in outputs],
        initializers,
    )
    opsets = [h.make_opsetid("", opset)] + [h.make_opsetid(d, 1) for d in domains]
    onnx.save(h.make_model(graph, opset_imports=opsets, ir_version=8), HERE / f"{name}.onnx")


weights = [const("W1", W1), const("b1", b1), const("W2", W2), const("b2", b2), const("S", np.eye(5))]
first = node("Gemm", "x W1 b1", "u", transB=1)
refuse("unsupported", [first, node("Erf", "u", "e"), node("Pow", "e two", "q"), h.make_node("Gelu", ["q"], ["g"], domain="com.microsoft"),
                       node("LSTM", "x W1 b1", "unused"), node("Clip", "g zero six", "k"), node("Elu", "k", "y")],
       weights + [const("two", 2.0), const("zero", 0.0), const("six", 6.0)], domains=["com.microsoft"])
refuse("skip", [first, node("Relu", "u", "h"), node("Gemm", "h S b1", "v"), node("Relu", "v", "k"),
                node("Add", "h k", "y")], weights)
refuse("two_inputs", [node("Add", "x z", "y")], [], [("x", ("N", 3)), ("z", ("N", 3))])
refuse("two_graph_outputs", [first, node("Relu", "u", "h")], weights, outputs=("u", "h"))
refuse("square", [first, node("Mul", "u u", "y")], weights)
refuse("bare_exponential", [first, node("Exp", "u", "y")], weights)
refuse("cyclic", [node("Add", "v b1", "u"), node("Gemm", "x W1 u", "v", transB=1), node("Relu", "v", "y")], weights)
refuse("wrong_shape", [first, node("Gemm", "u W1 b1", "y", transB=1)], weights)
refuse("old", [first], weights, outputs=("u",), opset=6)
refuse("constant", [node("Neg", "b1", "y")], weights)
refuse("across_samples", [node("MatMul", "K x", "y")], [const("K", np.ones((1, 6)))], [("x", (6, 3))])
refuse("not_finite", [node("Mul", "x huge", "z"), node("Mul", "z huge", "y")], [const("huge", 1e300)])

# Another exporter altogether: pip install scikit-learn skl2onnx
try:
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from skl2onnx import to_onnx
except ImportError:
    raise SystemExit
HERE = HERE.parent
X = rng.normal(size=(200, 3))
labels = X[:, 0] * 2 + np.sin(X[:, 1])
for name, dtype in [("sklearn", np.float64), ("single_sklearn", np.float32)]:
    regressor = MLPRegressor(hidden_layer_sizes=(8, 4), activation="tanh", max_iter=50, random_state=1)
    pipeline = make_pipeline(StandardScaler(), regressor).fit(X * [1, 2, 3] + 1, labels)
    model = to_onnx(pipeline, X[:1].astype(dtype))
    onnx.save(model, HERE / f"{name}.onnx")
    session = onnxruntime.InferenceSession(model.SerializeToString())
    x = rng.uniform(-2, 2, size=(6, 3)).astype(dtype)
    y = session.run(None, {"X": x})[0].reshape(6, -1)
    np.savetxt(HERE / f"{name}.csv", np.hstack([x, y]), fmt="%.17g", delimiter=",")
