"""The whole road on drawn people."""

import pickle
import threading

import numpy as np
import pytest
from conftest import THRESHOLD
from drawn import nobody, picture, portrait

import likeness


def test_finds_faces_with_unit_embeddings(recognizer):
    pixels, boxes = picture([1], 5)
    (face,) = recognizer.find(pixels)
    assert np.allclose(list(face.box), boxes[0], atol=8)
    assert face.landmarks.shape == (5, 2)
    assert face.embedding.dtype == np.float32
    assert face.embedding.shape == (recognizer.space.dimension,)
    assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-5)
    assert 0.7 < face.score <= 1
    assert face.quality.size_px > 30
    assert recognizer.find(nobody(4)) == []


def test_an_embedding_outlives_the_face_and_is_not_writable(recognizer):
    embedding = recognizer.find(portrait(1, 5))[0].embedding
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)
    with pytest.raises(ValueError, match="read-only"):
        embedding[0] = 2
    assert np.shares_memory(embedding, embedding[3:])


def test_streams_results_in_order_whatever_the_source(recognizer):
    pictures = [portrait(i % 5, i) if i % 3 else nobody(i) for i in range(40)]
    expected = [len(recognizer.find(p)) for p in pictures]
    assert [len(r.faces) for r in recognizer.find_many(pictures)] == expected
    assert [len(r.faces) for r in recognizer.stream(iter(pictures))] == expected
    results = list(recognizer.stream(np.stack(pictures), until="detect"))
    assert [r.index for r in results] == list(range(40))
    assert [len(r.faces) for r in results] == expected
    assert results[1].embeddings.shape[0] == 0


def test_a_stream_may_be_left_early(recognizer):
    asked = []

    def source():
        for i in range(100_000):
            asked.append(i)
            yield portrait(i % 3, i % 7)

    for result in recognizer.stream(source(), until="detect"):
        if result.index == 3:
            break
    assert len(asked) < 1000


def test_one_bad_photo_of_many_is_named_and_stops_nothing(recognizer, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_text("no picture")
    results = recognizer.find_many([portrait(1, 1), broken, portrait(2, 2)])
    assert [r.error is None for r in results] == [True, False, True]
    assert "broken.png" in results[1].error


def test_chips_and_embeddings_belong_to_the_chosen_faces(recognizer, packs):
    pixels, _ = picture([1, 4, 7], 3, width=480)
    (result,) = recognizer.find_many([pixels])
    assert len(result.chosen) == len(result.faces) == len(result.chips) == len(result.embeddings) == 3
    embedder = likeness.Embedder("tiny", models=packs)
    assert np.allclose(embedder.embed(result.chips), result.embeddings, atol=1e-5)
    assert np.array_equal(embedder.cut(pixels, result.faces[0]), result.chips[0])
    (main,) = recognizer.find_many([pixels], main_face=True)
    assert len(main.chosen) == 1


def test_verifies(recognizer):
    same = recognizer.verify(portrait(1, 1), portrait(1, 2), threshold=THRESHOLD)
    assert same.same is True
    assert same.similarity > same.threshold == THRESHOLD
    other = recognizer.verify([portrait(1, 1), portrait(1, 3)], portrait(2, 2), threshold=THRESHOLD)
    assert other.same is False
    assert other.a.faces == 2
    assert recognizer.verify(portrait(1, 1), nobody(2), threshold=THRESHOLD).same is None


def test_names_the_enrolled_and_nobody_else(recognizer, people):
    for person in range(6):
        (found,) = recognizer.search(people, portrait(person, 90 + person), threshold=THRESHOLD)
        assert found.name == (f"person_{person}" if person < 4 else None)
        assert found.nearest.name != found.runner_up.name
    many = recognizer.search_many(people, [portrait(2, 70), nobody(1)], threshold=THRESHOLD)
    assert [[f.name for f in faces] for _, faces in many] == [["person_2"], []]
    rows = np.stack([recognizer.find(portrait(p, 60))[0].embedding for p in (3, 5)])
    assert [i.name for i in recognizer.identify(people, rows, threshold=THRESHOLD)] == ["person_3", None]


def test_enrols_on_disk_and_says_what_became_of_each(recognizer, tmp_path):
    path = tmp_path / "people.gallery"
    gallery = likeness.Gallery.create(path, recognizer.space)
    seen = []
    one = portrait(1, 1)
    summary = recognizer.enrol(gallery, "Ann", [one, nobody(3), one], review="off", each=seen.append)
    assert (summary.photos, summary.enrolled, summary.known, summary.without_face) == (3, 1, 1, 1)
    assert [p.face > 0 for p in seen] == [True, False, True]
    again = likeness.Gallery.open(path, read_only=True)
    assert again.people == {"Ann": 1}
    assert again.faces("Ann")[0].photo_size == (one.shape[1], one.shape[0])
    gallery.add("Ben", recognizer.find(portrait(2, 1))[0].embedding[None])
    assert gallery.faces("Ben")[0].photo_size is None
    with pytest.raises(likeness.OutputUnwritableError, match="people.gallery"):
        likeness.Gallery.create(path, recognizer.space)
    assert len(likeness.Gallery.create(path, recognizer.space, exist_ok=True)) == 2


def test_groups_by_person(recognizer):
    photos = [portrait(i % 3, i) for i in range(12)]
    groups = recognizer.group(photos, threshold=THRESHOLD, review="off")
    assert groups.clusters.shape == (12,)
    assert sorted(map(sorted, groups.members)) == [list(range(p, 12, 3)) for p in range(3)]
    assert groups.embeddings.shape == (12, recognizer.space.dimension)
    scores = likeness.eval.score_clusters(groups.clusters, [i % 3 for i in range(12)])
    assert scores["bcubed_f"] == 1


def test_progress_is_told_and_stops(recognizer):
    told = []
    photos = [portrait(i % 3, i) for i in range(20)]
    recognizer.find_many(photos, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (20, 20)
    with pytest.raises(likeness.StoppedError):
        recognizer.find_many(photos, progress=lambda done, total: done < 3)
    with pytest.raises(TypeError, match="progress"):
        recognizer.find_many(photos, progress=3)


def test_a_bar_of_tqdm(recognizer, capsys):
    pytest.importorskip("tqdm")
    recognizer.find_many([portrait(1, i) for i in range(5)], progress=True)
    assert "5/5" in capsys.readouterr().err


def test_what_a_callback_raises_comes_out(recognizer, people):
    def fails(*_):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        recognizer.find_many([portrait(1, 1)], progress=fails)
    with pytest.raises(KeyError, match="mine"):
        recognizer.enrol(people, "Bo", [portrait(1, 77)], each=fails, review="off")

    def source():
        yield portrait(1, 1)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        recognizer.find_many(source())
    with pytest.raises(KeyError, match="mine"):
        list(recognizer.stream(source()))


def test_ctrl_c_stops_long_work(recognizer):
    import os
    import signal

    def source():
        while True:
            yield portrait(1, 1)

    # Shells start what runs in the background with SIGINT ignored, and Python leaves it so.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            recognizer.find_many(source())
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert len(recognizer.find(portrait(1, 5))) == 1


def test_threads_share_one(recognizer, people):
    expected = recognizer.find(portrait(2, 8))[0].embedding
    wrong = []

    def work():
        for _ in range(15):
            if not np.allclose(recognizer.find(portrait(2, 8))[0].embedding, expected, atol=1e-5):
                wrong.append("embedding")
            if recognizer.search(people, portrait(2, 8), threshold=THRESHOLD)[0].name != "person_2":
                wrong.append("name")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_pickles_by_options(recognizer, packs):
    copy = pickle.loads(pickle.dumps(recognizer))
    assert repr(copy) == repr(recognizer)
    assert np.array_equal(copy.find(portrait(1, 5))[0].embedding, recognizer.find(portrait(1, 5))[0].embedding)
    detector = pickle.loads(pickle.dumps(likeness.Detector(models=packs, min_face_px=40)))
    assert "min_face_px=40" in repr(detector)
    face = detector.detect(portrait(1, 5))[0]
    again = pickle.loads(pickle.dumps(face))
    assert again.box == face.box
    assert np.array_equal(again.landmarks, face.landmarks)
    assert pickle.loads(pickle.dumps(recognizer.space)) == recognizer.space


def test_sent_to_a_worker_process(recognizer):
    import multiprocessing

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        faces = pool.map(_count, [(recognizer, portrait(1, 5))])
    assert faces == [1]


def _count(job):
    recognizer, pixels = job
    return len(recognizer.find(pixels))
