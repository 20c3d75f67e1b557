"""Runs the example of keras-facenet's README and tells what came: tell_keras_facenet.py MODULE WEIGHTS PHOTO...

The package's own network gets the weights of WEIGHTS, the frozen graph of 20180408-102900, in which the batch norms
are part of the convolutions; its own file of them is not to be had from PyPI.
"""

import importlib
import sys

import numpy
from form import form, signature, tell
from PIL import Image


def builder(graph_file):
    def build(metadata, cache_folder):
        import tensorflow
        from keras_facenet.inception_resnet_v1 import InceptionResNetV1

        graph = tensorflow.compat.v1.GraphDef()
        with open(graph_file, "rb") as file:
            graph.ParseFromString(file.read())
        values = {}
        for node in graph.node:
            if node.op == "Const":
                name = node.name.removeprefix("InceptionResnetV1/").split("/")
                # Repeat/block35_1/... is Block35_1/... there, and the last block8 is Block8_6.
                name = name[1:] if name[0].startswith("Repeat") else ["Block8_6", *name[1:]] if name[0] == "Block8" else name
                name[0] = name[0].replace("block", "Block")
                values["_".join(name)] = tensorflow.make_ndarray(node.attr["value"].tensor)
        model = InceptionResNetV1(input_shape=(None, None, 3), classes=metadata["dimensions"])
        used = 0
        for layer in model.layers:
            wanted = [weight.name.rsplit("/", 1)[-1].split(":")[0] for weight in layer.weights]
            if not wanted:
                continue
            conv = layer.name.removesuffix("_BatchNorm")
            if layer.name.endswith("_BatchNorm") and f"{conv}_Conv2D_bn_offset" in values:
                offset = values[f"{conv}_Conv2D_bn_offset"]
                filled = {"beta": offset, "moving_mean": numpy.zeros_like(offset),
                          "moving_variance": numpy.full_like(offset, 1 - layer.epsilon)}
            else:
                of_file = {"kernel": "weights", "bias": "biases"}
                filled = {name: values[f"{layer.name}_{of_file.get(name, name)}"] for name in wanted}
            layer.set_weights([filled[name] for name in wanted])
            used += 1
        assert used > 130, used
        return model

    return build


facenet = importlib.import_module(sys.argv[1])
if sys.argv[1] == "keras_facenet":
    facenet.embedding_model.get_keras_model_from_prebuilt = builder(sys.argv[2])

embedder = facenet.FaceNet("20180408-102900")
pictures = [numpy.asarray(Image.open(photo).convert("RGB")) for photo in sys.argv[3:]]
detections = embedder.extract(pictures[0], threshold=0.95)
boxes, crops = embedder.crop(sys.argv[3])
random = numpy.random.default_rng(5)
chips = numpy.asarray(Image.open(sys.argv[3]).convert("RGB").resize((160, 160))), random.integers(0, 256, (160, 160, 3), numpy.uint8)
embeddings = embedder.embeddings(list(chips))
embeddings = embeddings / numpy.linalg.norm(embeddings, axis=1, keepdims=True)
tell(
    signatures=[signature(facenet.FaceNet), *(signature(getattr(facenet.FaceNet, name))
                                             for name in ("extract", "crop", "embeddings", "compute_distance"))],
    extract=form([{**face, "box": list(face["box"])} for face in detections]),
    crop=[form(boxes[0]["box"]), type(crops).__name__, len(crops), str(crops[0].dtype), crops[0].ndim],
    nobody=form(embedder.extract(numpy.zeros((120, 160, 3), numpy.uint8))),
    embeddings=form(embedder.embeddings(list(chips))),
    distance=form(embedder.compute_distance(*embeddings)),
    metadata={name: embedder.metadata[name] for name in ("dimensions", "image_size", "distance_metric", "fixed_image_standardization")},
    values=embeddings,
    length=float(numpy.linalg.norm(embedder.embeddings(list(chips))[0])),
    apart=embedder.compute_distance(*embeddings),
)
