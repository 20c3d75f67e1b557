"""Whole, half and hidden faces with their marks: pictures made from the test data in a folder of their own.

Every set is a folder of PNG pictures, all photos upright and at most 1,600 pixels long, and a file of marks as
`likeness eval detect` reads them. A hidden face is marked by the middle of what is left to see of it, a whole one by its
box or nose. Made by a fixed seed.
"""
import json
import pathlib
import random
import xml.etree.ElementTree

from PIL import Image, ImageOps

LONGEST = 1600
SIDES = ("left", "right", "upper", "lower")
# Noses in face_recognition's two half faces, marked by eye.
HALF_NOSES = {"obama_partial_face.jpg": (73, 258), "obama_partial_face2.jpg": (497, 257)}
# LFW's photos are 250 x 250; the face that Viola and Jones' detector found is their middle, grown 2.2 times (LFW's own
# description): no detector compared here marked it.
LFW_BOX = tuple(125 + sign * 125 / 2.2 for sign in (-1, -1, 1, 1))


class MarkedSet:
    def __init__(self, name, folder):
        self.name = name
        self.folder = pathlib.Path(folder) / name.replace(" ", "_").replace(",", "")
        self.folder.mkdir()
        self.points = {}  # of each picture
        self.boxes = {}  # where faces are marked by boxes
        self.pictures = []

    def add(self, name, image, points=(), boxes=None):
        image.save(self.folder / name, compress_level=1)
        self.pictures.append(name)
        if boxes is None:
            self.points[name] = [list(point) for point in points]
        else:
            self.boxes[name] = boxes

    def faces(self):
        return sum(map(len, (self.boxes or self.points).values()))

    def write_marks(self):
        if not self.boxes:
            marks = self.folder / "marks.json"
            marks.write_text(json.dumps({"noses": self.points}))
            return marks
        root = xml.etree.ElementTree.Element("images")
        for name, boxes in self.boxes.items():
            image = xml.etree.ElementTree.SubElement(root, "image", file=name)
            for left, top, right, bottom in boxes:
                xml.etree.ElementTree.SubElement(
                    image, "box", left=str(left), top=str(top), width=str(right - left), height=str(bottom - top))
        marks = self.folder / "marks.xml"
        xml.etree.ElementTree.ElementTree(root).write(marks)
        return marks


def photo(path):
    """The upright photo and how much smaller it has become."""
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    scale = min(1, LONGEST / max(image.size))
    if scale < 1:
        image = image.resize([round(side * scale) for side in image.size], Image.Resampling.LANCZOS)
    return image, scale


def dlib_photos(folder):
    for marks in ("training.xml", "testing.xml"):
        for entry in xml.etree.ElementTree.parse(folder / marks).iter("image"):
            boxes = []
            for box in entry.iter("box"):
                left, top, width, height = (int(box.get(k)) for k in ("left", "top", "width", "height"))
                if box.get("ignore") != "1":
                    boxes.append((left, top, left + width, top + height))
            yield entry.get("file"), photo(folder / entry.get("file"))[0], boxes


def halves(box, side):
    """The hidden half of a box and the one to see, where `side` is hidden."""
    left, top, right, bottom = box
    x, y = (left + right) / 2, (top + bottom) / 2
    pieces = {"left": (left, top, x, bottom), "right": (x, top, right, bottom),
              "upper": (left, top, right, y), "lower": (left, y, right, bottom)}
    return pieces[side], pieces[{"left": "right", "right": "left", "upper": "lower", "lower": "upper"}[side]]


def middle(box):
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def painted(image, boxes, chance):
    """A copy with flat patches, each of a colour of its own."""
    result = image.copy()
    for box in boxes:
        result.paste(tuple(chance.randrange(256) for _ in range(3)), [round(side) for side in box])
    return result


def cut(image, box, side):
    """The photo without everything on this side of the box's middle, and the middle of the half face that is left."""
    x, y = map(round, middle(box))
    width, height = image.size
    window = {"left": (x, 0, width, height), "right": (0, 0, x, height),
              "upper": (0, y, width, height), "lower": (0, 0, width, y)}[side]
    seen = middle(halves(box, side)[1])
    return image.crop(window), (seen[0] - window[0], seen[1] - window[1])


def alone(image, boxes, index, chance):
    """The photo with all marked faces but one painted over."""
    def grown(box, times):
        (x, y), half = middle(box), times * max(box[2] - box[0], box[3] - box[1]) / 2
        return tuple(round(side) for side in (max(0, x - half), max(0, y - half),
                                              min(image.width, x + half), min(image.height, y + half)))

    result = painted(image, [grown(box, 1.5) for i, box in enumerate(boxes) if i != index], chance)
    own = grown(boxes[index], 1.2)
    result.paste(image.crop(own), own)
    return result


def whole_sets(data, folder):
    dlib = MarkedSet("dlib, whole", folder)
    for name, image, boxes in dlib_photos(data / "photos/dlib"):
        dlib.add(f"{name}.png", image, boxes=boxes)
    yield dlib
    compreface = MarkedSet("CompreFace, whole", folder)
    noses = json.loads((data / "photos/compreface/faces.json").read_text())["noses"]
    for name, points in noses.items():
        if not isinstance(points, list):
            continue
        image, scale = photo(data / "photos/compreface" / name)
        compreface.add(f"{name}.png", image, [(x * scale, y * scale) for x, y in points])
    yield compreface
    nobody = MarkedSet("nobody to see", folder)
    for name in ("dlib/dogs.jpg", "mtcnn/no-faces.jpg"):
        nobody.add(name.replace("/", "_") + ".png", photo(data / "photos" / name)[0])
    yield nobody
    half = MarkedSet("face_recognition, half", folder)
    for name, nose in HALF_NOSES.items():
        half.add(f"{name}.png", photo(data / "photos/face_recognition/test_images" / name)[0], [nose])
    yield half


def hidden_dlib_sets(data, folder):
    photos = list(dlib_photos(data / "photos/dlib"))
    for side in SIDES:
        chance = random.Random(f"covered {side}")
        covered = MarkedSet(f"dlib, {side} half covered", folder)
        for name, image, boxes in photos:
            pieces = [halves(box, side) for box in boxes]
            covered.add(f"{name}.png", painted(image, [hidden for hidden, _ in pieces], chance),
                        [middle(seen) for _, seen in pieces])
        yield covered
    for side in SIDES:
        chance = random.Random(f"cut {side}")
        half = MarkedSet(f"dlib, {side} half cut off", folder)
        for name, image, boxes in photos:
            for i, box in enumerate(boxes):
                picture, point = cut(alone(image, boxes, i, chance), box, side)
                half.add(f"{name}.{i}.png", picture, [point])
        yield half


def lfw_sets(data, folder, people):
    images = data / "lfw-view1/images"
    folders = sorted(path for path in images.iterdir() if path.is_dir())
    chosen = [sorted(person.iterdir())[0] for person in random.Random(1).sample(folders, people)]
    photos = [(path.stem, photo(path)[0]) for path in chosen]
    whole = MarkedSet("LFW, whole", folder)
    for name, image in photos:
        whole.add(f"{name}.png", image, [middle(LFW_BOX)])
    yield whole
    for side in SIDES:
        chance = random.Random(f"covered {side}")
        covered = MarkedSet(f"LFW, {side} half covered", folder)
        hidden, seen = halves(LFW_BOX, side)
        for name, image in photos:
            covered.add(f"{name}.png", painted(image, [hidden], chance), [middle(seen)])
        yield covered
    for side in SIDES:
        half = MarkedSet(f"LFW, {side} half cut off", folder)
        for name, image in photos:
            picture, point = cut(image, LFW_BOX, side)
            half.add(f"{name}.png", picture, [point])
        yield half
