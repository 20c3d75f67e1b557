"""The frozen graph 20180408-102900 in the frameworks that can run it, for batches of any size."""
import numpy


def freed_graph(path):
    """The GraphDef with the batch of 1 taken out of its reshapes, the name of its input and that of its output."""
    from tensorflow.core.framework import graph_pb2
    from tensorflow.python.framework import tensor_util

    graph = graph_pb2.GraphDef()
    with open(path, "rb") as file:
        graph.ParseFromString(file.read())
    nodes = {node.name: node for node in graph.node}
    for node in graph.node:
        if node.op != "Reshape":
            continue
        target = nodes[node.input[1]]
        if target.op != "Const":
            continue
        shape = tensor_util.MakeNdarray(target.attr["value"].tensor).copy()
        if shape.size > 1 and shape[0] == 1:
            shape[shape == -1] = 1792  # the flattening before the last layer: one size only may be free
            shape[0] = -1
            target.attr["value"].tensor.CopyFrom(tensor_util.make_tensor_proto(shape))
    used = {name.split(":")[0].lstrip("^") for node in graph.node for name in node.input}
    source = next(node.name for node in graph.node if node.op == "Placeholder")
    nodes[source].attr["shape"].shape.dim[0].size = -1
    result = [node.name for node in graph.node if node.name not in used and node.op != "NoOp"][-1]
    return graph, source, result


class Tensorflow:
    name = "TensorFlow"

    def __init__(self, path, threads):
        import tensorflow

        try:
            tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
            tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        except RuntimeError:
            pass  # Said before TensorFlow was first used, or by its environment variables.
        graph, source, result = freed_graph(path)
        wrapped = tensorflow.compat.v1.wrap_function(
            lambda: tensorflow.compat.v1.import_graph_def(graph, name=""), [])
        self.function = wrapped.prune(f"{source}:0", f"{result}:0")
        self.constant = tensorflow.constant

    def embed(self, faces):
        return self.function(self.constant(faces)).numpy()


class OpencvDnn:
    name = "OpenCV DNN"

    def __init__(self, path, threads):
        import cv2

        cv2.setNumThreads(threads)
        self.blob = lambda faces: numpy.ascontiguousarray(faces.transpose(0, 3, 1, 2))
        self.network = cv2.dnn.readNetFromTensorflow(path)

    def embed(self, faces):
        # The file's reshapes hold a batch of 1 and OpenCV keeps it, so the faces go one by one.
        rows = []
        for face in faces:
            self.network.setInput(self.blob(face[None]))
            rows.append(self.network.forward().reshape(-1).copy())
        return numpy.stack(rows)


class OnnxRuntime:
    name = "ONNX Runtime"

    def __init__(self, path, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name

    def embed(self, faces):
        return self.session.run(None, {self.input: faces})[0]


def to_onnx(path, folder):
    """The graph as an ONNX file in `folder`, by tf2onnx; made once."""
    import pathlib

    target = pathlib.Path(folder) / "20180408-102900.onnx"
    if not target.exists():
        import tf2onnx

        graph, source, result = freed_graph(path)
        tf2onnx.convert.from_graph_def(graph, input_names=[f"{source}:0"], output_names=[f"{result}:0"],
                                       opset=15, output_path=str(target))
    return str(target)
