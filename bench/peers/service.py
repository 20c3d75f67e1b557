"""The tutorial's stack behind FastAPI, as people put it there: POST /search with a photo gives names.

  GRAPH=graph.pb PEOPLE=people.pickle uvicorn service:app --port 8090      PEOPLE as tutorial_stack.py run writes it
"""
import io
import os
import pickle
import threading

import numpy
from fastapi import FastAPI, UploadFile
from mtcnn import MTCNN
from PIL import Image

from facenet import Tensorflow
from tutorial_stack import embed

app = FastAPI()
detector = MTCNN()
network = Tensorflow(os.environ["GRAPH"], int(os.environ.get("TF_NUM_INTRAOP_THREADS", "2")))
with open(os.environ["PEOPLE"], "rb") as people:
    model, encoder = pickle.load(people)
one_at_a_time = threading.Lock()  # mtcnn keeps its state in the detector: threads that share one get errors


@app.post("/search")
def search(photo: UploadFile):
    pixels = numpy.asarray(Image.open(io.BytesIO(photo.file.read())).convert("RGB"))
    answers = []
    with one_at_a_time:
        found = detector.detect_faces(pixels)
    for face in found:
        x, y, width, height = face["box"]
        x, y = abs(x), abs(y)
        chip = Image.fromarray(pixels[y:y + height, x:x + width]).resize((160, 160))
        chances = model.predict_proba(embed(network, numpy.asarray(chip)[None]))[0]
        answers.append({"box": [x, y, width, height], "name": str(encoder.classes_[chances.argmax()]),
                        "probability": float(chances.max())})
    return {"faces": answers}
