"""Runs the calls of deepface's README that both offer, and tells what came: tell_deepface.py MODULE PHOTOS FOLDER.

The package's networks are not to be had from PyPI: its Facenet512 is stood in for by a few edges in the picture of the
face, which is enough for a photo to be found again. Its MTCNN is the package mtcnn. FOLDER is written to.
"""

import base64
import importlib
import pathlib
import shutil
import sys

import numpy
from form import error_of, form, signature, tell
from PIL import Image


class Edges:
    model_name, input_shape, output_shape = "Facenet512", (160, 160), 512

    def forward(self, faces):
        edges = numpy.diff(faces.mean(axis=3)[:, ::7, ::6], axis=2)  # two faces' edges lie elsewhere
        rows = edges.reshape(len(faces), -1)[:, :512].tolist()
        return rows[0] if len(rows) == 1 else rows


photos, folder = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
if sys.argv[1] == "deepface":
    from deepface import DeepFace
    from deepface.modules import modeling

    modeling.build_model("face_detector", "mtcnn")
    modeling.cached_models["facial_recognition"]["Facenet512"] = Edges()
else:
    DeepFace = importlib.import_module(sys.argv[1]).DeepFace

database = folder / "people"
database.mkdir(parents=True)
for name in ("biden.jpg", "obama2.jpg"):
    shutil.copy(photos / name, database / name)
one, two = str(photos / "biden.jpg"), str(photos / "obama2.jpg")
bgr = numpy.asarray(Image.open(one).convert("RGB"))[:, :, ::-1]
text = "data:image/jpeg;base64," + base64.b64encode(pathlib.Path(one).read_bytes()).decode()
nobody = numpy.zeros((120, 160, 3), numpy.uint8)
usual = {"model_name": "Facenet512", "detector_backend": "mtcnn"}
stored = {"database_type": "sqlite", "connection_details": str(folder / "faces.db"), **usual}

verified = DeepFace.verify(one, one, **usual)
found = DeepFace.find(bgr, str(database), **usual)
represented = DeepFace.represent(one, **usual)
extracted = DeepFace.extract_faces(one, detector_backend="mtcnn")
registered = DeepFace.register(one, **stored), DeepFace.register([two], **stored)
searched = DeepFace.search(one, **stored)
rows = DeepFace.search(one, return_type="dict", **stored)
tell(
    signatures={name: signature(getattr(DeepFace, name))
                for name in ("verify", "find", "represent", "extract_faces", "register", "search")},
    verify=form(verified),
    same=[verified["verified"], verified["threshold"], verified["model"], verified["detector_backend"],
          verified["similarity_metric"]],
    metrics=[[DeepFace.verify(one, bgr, distance_metric=metric, **usual)[key] for key in ("verified", "threshold")]
             for metric in ("cosine", "euclidean", "euclidean_l2", "angular")],
    vectors=form(DeepFace.verify(represented[0]["embedding"], represented[0]["embedding"], silent=True, **usual)),
    find=form(found),
    dicts=form(DeepFace.find(text, str(database), return_type="dict", **usual), plain=True),
    everybody=[len(rows) for rows in DeepFace.find(one, str(database), similarity_search=True, k=2, return_type="dict", **usual)],
    represent=form(represented),
    several=form(DeepFace.represent([one, two], **usual)),
    skipped=form(DeepFace.represent(nobody, model_name="Facenet512", detector_backend="skip")),
    extract=form([{**face, "face": [str(face["face"].dtype), face["face"].ndim]} for face in extracted]),
    grey=[str(face["face"].dtype) + str(face["face"].ndim)
          for face in DeepFace.extract_faces(one, detector_backend="mtcnn", color_face="gray", normalize_face=False)],
    unfound=form(DeepFace.extract_faces(nobody, detector_backend="mtcnn", enforce_detection=False)[0]["facial_area"]),
    register=[form(one) for one in registered],
    search=form(searched),
    rows=form(rows),
    errors=[error_of(lambda: DeepFace.verify(one, nobody, **usual)),
            error_of(lambda: DeepFace.represent(str(photos / "absent.jpg"), **usual)),
            error_of(lambda: DeepFace.find(one, str(folder / "absent"), **usual)),
            error_of(lambda: DeepFace.verify(one, one, distance_metric="taxi", **usual))],
)
