"""The tutorial's whole stack as people run it: mtcnn, FaceNet in TensorFlow, scikit-learn's SVM.

  tutorial_stack.py run PHOTOS GRAPH.pb PEOPLE.pickle    detect, embed, fit, evaluate; train/ and val/ in PHOTOS
  tutorial_stack.py predict PEOPLE.pickle GRAPH.pb PHOTO who is it

Prints one JSON object. Threads as the environment variables say (bench/peers/tutorial.py sets them).
"""
import json
import os
import pathlib
import pickle
import sys
import time

started = time.perf_counter()

import numpy
from mtcnn import MTCNN
from PIL import Image
from sklearn.preprocessing import LabelEncoder, Normalizer
from sklearn.svm import SVC

from facenet import Tensorflow

THREADS = int(os.environ.get("TF_NUM_INTRAOP_THREADS", "1"))


def extract_face(detector, path):
    pixels = numpy.asarray(Image.open(path).convert("RGB"))
    faces = detector.detect_faces(pixels)
    if not faces:
        return None
    x, y, width, height = faces[0]["box"]
    x, y = abs(x), abs(y)
    face = pixels[y:y + height, x:x + width]
    return numpy.asarray(Image.fromarray(face).resize((160, 160)))


def load_set(detector, folder):
    faces, labels = [], []
    for person in sorted(folder.iterdir()):
        for photo in sorted(person.iterdir()):
            face = extract_face(detector, photo)
            if face is not None:
                faces.append(face)
                labels.append(person.name)
    return numpy.stack(faces), labels


def embed(network, faces):
    rows = [network.embed((faces[i:i + 32].astype(numpy.float32) - 127.5) / 128) for i in range(0, len(faces), 32)]
    return Normalizer(norm="l2").transform(numpy.concatenate(rows))


def run(photos, graph, people):
    detector, network = MTCNN(), Tensorflow(graph, THREADS)
    loaded = time.perf_counter()
    sets = {name: load_set(detector, pathlib.Path(photos) / name) for name in ("train", "val")}
    detected = time.perf_counter()
    embeddings = {name: embed(network, faces) for name, (faces, _) in sets.items()}
    embedded = time.perf_counter()
    encoder = LabelEncoder().fit(sets["train"][1])
    labels = {name: encoder.transform(set_labels) for name, (_, set_labels) in sets.items()}
    model = SVC(kernel="linear", probability=True).fit(embeddings["train"], labels["train"])
    right = {name: int((model.predict(embeddings[name]) == labels[name]).sum()) for name in sets}
    with open(people, "wb") as file:
        pickle.dump((model, encoder), file)
    return {"load": loaded - started, "detect": detected - loaded, "embed": embedded - detected,
            "classify": time.perf_counter() - embedded,
            **{name: [right[name], len(labels[name])] for name in sets}}


def predict(people, graph, photo):
    with open(people, "rb") as file:
        model, encoder = pickle.load(file)
    face = extract_face(MTCNN(), photo)
    row = embed(Tensorflow(graph, THREADS), face[None])
    chances = model.predict_proba(row)[0]
    return {"person": str(encoder.classes_[chances.argmax()]), "probability": float(chances.max())}


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    print(json.dumps({"run": run, "predict": predict}[command](*arguments)))
