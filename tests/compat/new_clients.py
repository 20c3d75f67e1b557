"""compreface-sdk-python 1.0.6 and boto3, as PyPI has them, and Immich's and Nextcloud's requests by httpx."""

import base64
import hashlib
import json
import math
import os

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import ClientError
from common import KEY, PORT, WORK, equal, in_files, raises, sample
from compare import CompareFace

URL = f"http://127.0.0.1:{PORT}"
TWO = str(WORK / "two_faces.jpg")  # old_clients.py made them
NONE = str(WORK / "no_face.png")


def read(path):
    with open(path, "rb") as photo:
        return photo.read()


def compreface():
    service = CompareFace("http://127.0.0.1", PORT).init_recognition_service(KEY)
    service._client.timeout = 60
    equal(service.add_a_subject("Zoë"), {"subject": "Zoë"})
    added = service.add_a_img("Zoë", sample("obama.jpg"))
    equal(added["subject"], "Zoë")
    again = service.add_a_img_by_64("Zoë", base64.b64encode(read(sample("obama2.jpg"))).decode())
    listed = service.list_saved_img_subject(subject="Zoë")
    equal((listed["total_elements"], listed["page_size"], listed["total_pages"]), (2, 10, 1))
    found = service.recognize(sample("obama3.jpg"))["result"][0]["subjects"][0]
    assert found["subject"] == "Zoë" and found["similarity"] > 0.9, found
    by_text = service.recognize_by_64(base64.b64encode(read(sample("biden.jpg"))).decode())
    assert by_text["result"][0]["subjects"][0]["similarity"] < 0.4, by_text
    assert service.verify(sample("obama3.jpg"), added["image_id"])["result"][0]["similarity"] > 0.9
    # Photos are not kept: an empty picture, by either address.
    for download in (service.download_a_img, service.direct_download_img):
        equal(os.path.getsize(download(added["image_id"], str(WORK / "picture"))), 0)
    equal(service.rename_a_subject("Zoë", "Zoe Ł"), {"updated": True})
    gone = service.delete_multiple_img([again["image_id"], "no-id"])
    equal(gone, [{"image_id": again["image_id"], "subject": "Zoe Ł"}])
    verify = CompareFace("http://127.0.0.1", PORT).init_verify_service(KEY)
    verify._client.timeout = 60
    matches = verify.verify(sample("obama.jpg"), TWO)["result"][0]["face_matches"]
    assert matches[0]["similarity"] > 0.9 and matches[1]["similarity"] < 0.4, matches
    equal(service.delete_all_subjects()["deleted"], 1)
    assert not in_files("Zo")
    search = CompareFace("http://127.0.0.1", PORT).init_recognition_service(os.environ["SEARCH_KEY"])
    equal(search.add_a_subject("Ann")["code"], 10)  # this key may search


def rekognition(secret=None):
    return boto3.client(
        "rekognition",
        endpoint_url=URL,
        region_name="eu-west-1",
        aws_access_key_id="_".join(KEY.split("_")[:2]),
        aws_secret_access_key=secret or hashlib.sha256(KEY.encode()).hexdigest(),
        config=Config(retries={"max_attempts": 1}, read_timeout=60),
    )


def code(call):
    return raises(ClientError, call).response["Error"]["Code"]


def amazon():
    api = rekognition()
    equal(api.list_collections()["CollectionIds"], ["people"])
    made = api.create_collection(CollectionId="people")
    assert made["ResponseMetadata"]["RequestId"], made
    equal(code(lambda: api.create_collection(CollectionId="others")), "AccessDeniedException")
    image = {name: {"Bytes": read(sample(name))} for name in ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg")}
    indexed = api.index_faces(CollectionId="people", Image=image["obama.jpg"], ExternalImageId="obama", MaxFaces=1)
    face = indexed["FaceRecords"][0]["Face"]
    equal((len(indexed["FaceRecords"]), face["ExternalImageId"]), (1, "obama"))
    box = face["BoundingBox"]
    assert 0 < box["Left"] < 1 and 0 < box["Width"] < 1, box
    equal(api.list_faces(CollectionId="people")["Faces"][0]["BoundingBox"], box)
    equal(indexed["UnindexedFaces"][0]["Reasons"], ["EXCEEDS_MAX_FACES"])
    equal(api.index_faces(CollectionId="people", Image=image["obama.jpg"], ExternalImageId="obama", MaxFaces=1)
          ["FaceRecords"][0]["Face"]["FaceId"], face["FaceId"])  # sent again, enrolled once
    equal(code(lambda: api.create_collection(CollectionId="people")), "ResourceAlreadyExistsException")
    second = api.index_faces(CollectionId="people", Image=image["obama2.jpg"], ExternalImageId="obama")
    equal(api.describe_collection(CollectionId="people")["FaceCount"], 2)

    found = api.search_faces_by_image(CollectionId="people", Image=image["obama3.jpg"], MaxFaces=5)
    equal([match["Face"]["ExternalImageId"] for match in found["FaceMatches"]], ["obama", "obama"])
    assert found["FaceMatches"][0]["Similarity"] >= found["FaceMatches"][1]["Similarity"] >= 80, found
    equal(api.search_faces_by_image(CollectionId="people", Image=image["biden.jpg"], FaceMatchThreshold=0)["FaceMatches"], [])
    boxes = {one["FaceId"]: one["BoundingBox"] for one in (face, second["FaceRecords"][0]["Face"])}
    equal({match["Face"]["FaceId"]: match["Face"]["BoundingBox"] for match in found["FaceMatches"]}, boxes)
    equal([(m["Face"]["FaceId"], m["Face"]["BoundingBox"])
           for m in api.search_faces(CollectionId="people", FaceId=face["FaceId"])["FaceMatches"]],
          [(second["FaceRecords"][0]["Face"]["FaceId"], second["FaceRecords"][0]["Face"]["BoundingBox"])])
    same = api.compare_faces(SourceImage=image["obama.jpg"], TargetImage={"Bytes": read(TWO)})
    assert len(same["FaceMatches"]) == 1 and len(same["UnmatchedFaces"]) >= 1, same
    assert len(api.detect_faces(Image={"Bytes": read(TWO)})["FaceDetails"]) >= 2
    equal(api.detect_faces(Image={"Bytes": read(NONE)})["FaceDetails"], [])

    api.create_user(CollectionId="people", UserId="president")
    equal(code(lambda: api.create_user(CollectionId="people", UserId="president")), "ConflictException")
    api.associate_faces(CollectionId="people", UserId="president", FaceIds=[face["FaceId"], second["FaceRecords"][0]["Face"]["FaceId"]])
    users = api.search_users_by_image(CollectionId="people", Image=image["obama3.jpg"])["UserMatches"]
    equal([user["User"]["UserId"] for user in users], ["president"])
    equal([user["UserId"] for user in api.list_users(CollectionId="people")["Users"]], ["president"])

    pages = api.get_paginator("list_faces").paginate(CollectionId="people", PaginationConfig={"PageSize": 1})
    equal(len([one for page in pages for one in page["Faces"]]), 2)
    equal(code(lambda: api.search_faces_by_image(CollectionId="people", Image={"Bytes": read(NONE)})), "InvalidParameterException")
    equal(code(lambda: api.detect_faces(Image={"Bytes": b"no picture"})), "InvalidImageFormatException")
    equal(code(lambda: api.list_faces(CollectionId="nowhere")), "ResourceNotFoundException")
    equal(code(lambda: api.detect_labels(Image=image["biden.jpg"])), "UnknownOperationException")
    equal(code(lambda: rekognition("wrong").list_collections()), "InvalidSignatureException")
    equal(api.delete_faces(CollectionId="people", FaceIds=[face["FaceId"]])["DeletedFaces"], [face["FaceId"]])
    api.delete_user(CollectionId="people", UserId="president")
    equal(api.describe_collection(CollectionId="people")["FaceCount"], 0)
    assert not in_files("president") and not in_files("obama")


def immich():
    """As machine-learning.repository.ts sends it."""
    head = {"x-api-key": KEY}
    equal(httpx.get(URL + "/ping").text, "pong")
    entries = {"facial-recognition": {"detection": {"modelName": "buffalo_l", "options": {"minScore": 0.7}},
                                      "recognition": {"modelName": "buffalo_l"}}}

    def predict(path, what=entries):
        return httpx.post(URL + "/predict", data={"entries": json.dumps(what)}, files={"image": ("blob", read(path))},
                          headers=head, timeout=60)

    def vectors(path):
        faces = predict(path).json()["facial-recognition"]
        return [json.loads(face["embedding"]) for face in faces]

    def distance(a, b):
        return 1 - sum(x * y for x, y in zip(a, b))

    obama, again, biden = vectors(sample("obama2.jpg"))[0], vectors(sample("obama3.jpg"))[0], vectors(sample("biden.jpg"))[0]
    equal(len(obama), 512)
    print(f"Immich: one person's distance {distance(obama, again):.3f}, two people's {distance(obama, biden):.3f}")
    assert distance(obama, again) < 0.5 < distance(obama, biden)  # Immich's default
    assert predict(sample("biden.jpg"), {"clip": {"visual": {"modelName": "ViT-B-32__openai"}}}).status_code == 501
    equal(predict(NONE).json()["facial-recognition"], [])


def nextcloud():
    """As ExternalModel.php sends it."""
    head = {"x-api-key": KEY}
    opened = httpx.get(URL + "/open", headers=head).json()
    equal((opened["preferred_mimetype"], opened["maximum_area"]), ("image/jpeg", 3840 * 2160))
    equal(httpx.get(URL + "/open", headers={"x-api-key": "wrong"}).status_code, 401)

    def detect(path):
        answer = httpx.post(URL + "/detect", files={"file": (os.path.basename(path), read(path))}, headers=head, timeout=60)
        return answer.json()

    one, two, other = (detect(sample(name)) for name in ("obama2.jpg", "obama3.jpg", "biden.jpg"))
    equal((one["filename"], one["faces-count"]), ("obama2.jpg", 1))
    far = [math.dist(one["faces"][0]["descriptor"], face["faces"][0]["descriptor"]) for face in (two, other)]
    print(f"Nextcloud: one person's distance {far[0]:.3f}, two people's {far[1]:.3f}")
    assert far[0] < 0.4 < far[1]
    face = one["faces"][0]
    computed = httpx.post(URL + "/compute", files={"file": ("obama2.jpg", read(sample("obama2.jpg")))},
                          data={"face": json.dumps({key: face[key] for key in ("left", "top", "right", "bottom")})},
                          headers=head, timeout=60).json()
    equal(computed["face"]["descriptor"], face["descriptor"])


def ours():
    answer = httpx.post(URL + "/v1/search", params={"gallery": "people"}, files={"photo": read(NONE)}, headers={"x-api-key": KEY})
    equal(answer.json()["faces"], [])


ours()
compreface()
amazon()
immich()
nextcloud()
