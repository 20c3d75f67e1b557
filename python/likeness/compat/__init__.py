"""The names that other packages made known, over this engine.

- `face_recognition`: the functions and commands of face_recognition 1.3.0
- `mtcnn`: MTCNN of mtcnn 0.1.1; `mtcnn_v1`: of mtcnn 1.0.0
- `keras_facenet`: FaceNet of keras-facenet 0.3.2, for the key 20180408-102900
- `deepface`: DeepFace's verify, find, represent, extract_faces, register and search of deepface 0.0.103

Keys, types and shapes are theirs. What is not offered raises NotOfferedError, which names it.
"""


class NotOfferedError(NotImplementedError):
    """The package that this layer stands for does it; this layer does not."""
