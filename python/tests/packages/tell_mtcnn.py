"""Runs the examples of mtcnn's README, of 0.1.1 or 1.0.0, and tells what came: tell_mtcnn.py MODULE PHOTO..."""

import importlib
import sys

import numpy
from form import form, signature, tell
from PIL import Image

mtcnn = importlib.import_module(sys.argv[1])
first = "steps_threshold" in [name for name, *_ in signature(mtcnn.MTCNN)]

pictures = [numpy.asarray(Image.open(photo).convert("RGB")) for photo in sys.argv[2:]]
detector = mtcnn.MTCNN() if first else mtcnn.MTCNN(device="CPU:0")
found = [detector.detect_faces(picture) for picture in pictures]
nobody = numpy.zeros((120, 160, 3), numpy.uint8)
parts = {
    "result": form(found[0]),
    "nobody": form(detector.detect_faces(nobody)),
    "signatures": [signature(mtcnn.MTCNN), signature(mtcnn.MTCNN.detect_faces)],
}
if first:
    parts["values"] = [[[face["box"], face["keypoints"], float(face["confidence"])] for face in faces] for faces in found]
else:
    one = pictures[0]
    parts["batch"] = form(detector.detect_faces([one, nobody]))
    parts["corners"] = form(detector.detect_faces(one, box_format="xyxy", limit_boundaries_landmarks=True))
    parts["numpy"] = form(detector.detect_faces(one, output_type="numpy"))
    parts["path"] = form(detector.detect_faces(sys.argv[2], threshold_onet=0.85))
    with open(sys.argv[2], "rb") as file:
        parts["bytes"] = form(detector.predict(file.read()))
    parts["device"] = detector.device
tell(**parts)
