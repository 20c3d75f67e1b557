"""Arrow tables of photos to tables of faces, Parquet, and from there into a gallery."""

import io
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from drawn import nobody, photos_in, picture, portrait
from PIL import Image

import likeness

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

from likeness.__main__ import main  # noqa: E402
from likeness.parquet import embed_list, import_faces, space_of  # noqa: E402
from likeness.ray import SPACE_KEY, FaceEmbedder, schema_of, threads_here  # noqa: E402


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def table():
    """A portrait, two people, a broken file, nobody, and a row without anything."""
    contents = [png(portrait(1, 2)), png(picture([1, 2], 3, 240)[0]), b"no picture", png(nobody(1)), None]
    return pa.table({"path": ["a.png", "b.png", "c.png", "d.png", None], "bytes": contents, "number": [7, 8, 9, 10, 11],
                     "person": ["Ann", None, None, None, None]})  # fmt: skip


@pytest.fixture(scope="module")
def embedder(packs):
    return pickle.loads(pickle.dumps(FaceEmbedder("tiny", models=packs, keep=["number"])))


def test_a_row_a_face_and_one_for_a_photo_without(embedder, recognizer, table):
    faces = embedder(table)
    assert faces.schema.equals(schema_of(recognizer.space, [pa.field("number", pa.int64())]))
    assert faces.column("number").to_pylist() == [7, 8, 8, 9, 10, 11]
    assert faces.column("face").to_pylist() == [0, 0, 1, None, None, None]
    assert faces.column("person").to_pylist() == ["Ann", None, None, None, None, None]
    errors = faces.column("error").to_pylist()
    assert errors[:3] == [None] * 3 == [errors[4]] * 3
    assert "c.png" in errors[3]
    assert errors[5] == "the row has no photo"
    assert faces.column("embedding").null_count == faces.column("box").null_count == faces.column("yaw").null_count == 3
    assert faces.column("width").to_pylist() == [160, 240, 240, None, 160, None]
    rows = faces.to_pylist()
    expected = recognizer.find(table.column("bytes")[1].as_py())
    for row, face in zip(rows[1:3], expected):
        assert np.array_equal(np.float32(row["embedding"]), face.embedding)
        assert np.allclose(row["box"], list(face.box))
        assert np.allclose(np.reshape(row["landmarks"], (5, 2)), face.landmarks)
        assert row["sharpness"] == face.quality.sharpness
        assert row["score"] == np.float32(face.score)
        assert (row["sha256"], row["contract_id"]) == (rows[2]["sha256"], recognizer.space.id)


def test_any_part_of_a_table_gives_the_same_rows(embedder, table):
    """Also all-null and empty ones, so that blocks of one data set have one schema."""
    whole = embedder(table)
    parts = [embedder(table.slice(begin, 2)) for begin in (0, 2, 4)] + [embedder(table.slice(0, 0))]
    assert pa.concat_tables(parts).equals(whole)
    large = table.cast(pa.schema([("path", pa.large_string()), ("bytes", pa.large_binary()), *list(table.schema)[2:]]))
    assert embedder(large).equals(whole)
    assert embedder(table.set_column(3, "person", table.column("person").dictionary_encode())).equals(whole)


def test_says_what_is_wrong_with_a_table(embedder, table, packs):
    with pytest.raises(TypeError, match='batch_format="pyarrow"'):
        embedder({"bytes": [b""]})
    with pytest.raises(ValueError, match="a column `bytes` or `path` wanted; there are: number"):
        embedder(table.select(["number"]))
    with pytest.raises(ValueError, match="column bytes: binary wanted, int64 given"):
        embedder(pa.table({"bytes": [1], "number": [1]}))
    with pytest.raises(ValueError, match="keep: there is no column number"):
        embedder(table.select(["bytes"]))
    with pytest.raises(ValueError, match="columns of their own called"):
        FaceEmbedder("tiny", models=packs, keep=["person"])(table)
    with pytest.raises(TypeError, match="colour"):
        FaceEmbedder(colour="red")


def test_threads_are_those_of_the_worker(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert threads_here() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert threads_here() == 2


def test_a_fork_opens_its_own(embedder, table):
    first = embedder(table.slice(0, 1))
    child = os.fork()
    if child == 0:
        os._exit(0 if embedder(table.slice(0, 1)).equals(first) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_pandas_frames_as_spark_gives_them(embedder, table, packs):
    pytest.importorskip("pandas")
    plain = FaceEmbedder("tiny", models=packs)
    (frame,) = plain.map_in_pandas(iter([table.to_pandas()]))
    assert list(frame.columns) == plain.schema.names
    assert frame["face"].tolist()[:4] == [0, 0, 1, None]
    again = pa.Table.from_pandas(frame, plain.schema, preserve_index=False)
    assert again.select(["box", "embedding", "face"]).equals(embedder(table).select(["box", "embedding", "face"]))
    assert plain.spark_schema.startswith("photo string, sha256 string, person string, error string, width int")
    assert "embedding array<float>" in plain.spark_schema


def test_a_list_becomes_parts_and_a_gallery(packs, recognizer, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LIKENESS_MODELS", str(packs))

    def command(*arguments):
        code = main([str(word) for word in arguments])
        return code, *capsys.readouterr()

    names = [*photos_in(tmp_path / "photos"), str(tmp_path / "photos" / "person_0" / "none.png")]
    out, gallery = tmp_path / "faces", tmp_path / "people.gallery"
    (tmp_path / "list").write_text("\n".join(names))
    embed = ["--output", out, "--people", "--part", 4, "--model", "tiny"]
    ended = subprocess.run([sys.executable, "-m", "likeness", "embed", "--list", "-", *map(str, embed)], input="\n".join(names) + "\n\n",
                           capture_output=True, text=True, check=False,
                           env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)})  # fmt: skip
    assert (ended.returncode, ended.stdout) == (1, f"6 faces of 7 photos, 1 unreadable -> {out}\n"), ended.stderr
    assert [file.name for file in sorted(out.iterdir())] == ["part-000000.parquet", "part-000001.parquet"]
    # What was interrupted goes on: a part that is there stays as it is.
    kept = (out / "part-000000.parquet").stat()
    (out / "part-000001.parquet").unlink()
    code, told, words = command("embed", "--list", tmp_path / "list", *embed)
    assert (code, told) == (1, ended.stdout)
    assert "part-000000.parquet: 4 photos, 4 faces (there already)" in words
    assert (out / "part-000000.parquet").stat().st_mtime_ns == kept.st_mtime_ns
    for expected in ("6 faces added, 0 known already\n", "0 faces added, 6 known already\n"):
        assert command("import", out, "--gallery", gallery) == (0, expected, "")
    made = likeness.Gallery.open(gallery)
    assert made.people == {f"person_{p}": 2 for p in range(3)}
    assert made.space == recognizer.space
    face = made.faces("person_1")[0]
    assert (face.photo, len(face.sha256)) == (names[2], 64)
    assert face.quality.sharpness > 0
    assert np.array_equal(made.embeddings("person_1")[0], recognizer.find(names[2])[0].embedding)
    # Enrolled by the other way, the same face is known.
    assert recognizer.enrol(made, "person_1", names[2], review="off").known == 1
    nowhere = tmp_path / "nowhere.parquet"
    assert command("import", nowhere, "--gallery", gallery) == (3, "", f"likeness: {nowhere}: No such file or directory\n")
    assert command("import", tmp_path, "--gallery", gallery)[::2] == (3, f"likeness: {tmp_path}: no .parquet file in this folder\n")
    assert command("embed", "--list", nowhere, "--output", tmp_path / "other", "--model", "tiny")[0] == 3
    assert command("import", out, "--gallery", tmp_path / "sealed", "--encrypt")[::2] == (
        2, "likeness: --encrypt: a passphrase is needed, by --key-file or LIKENESS_GALLERY_KEY\n",
    )  # fmt: skip
    (tmp_path / "key").write_text("of ours\n")
    assert command("import", out, "--gallery", tmp_path / "sealed", "--encrypt", "--key-file", tmp_path / "key")[0] == 0
    assert len(likeness.Gallery.open(tmp_path / "sealed", passphrase="of ours")) == 6


def test_parts_are_of_one_list(packs, tmp_path):
    names = photos_in(tmp_path / "photos", people=2)
    embedder = FaceEmbedder("tiny", models=packs)
    parts = embed_list(names, tmp_path / "faces", embedder, photos_a_part=2)
    assert [(part.photos, part.faces) for part in parts] == [(2, 2), (2, 2)]
    for other in (names[::-1], [*names[:1], names[0]]):
        with pytest.raises(likeness.DataInvalidError, match=r"part-000000.parquet: is of other photos"):
            embed_list(other, tmp_path / "faces", embedder, photos_a_part=2)
    with pytest.raises(likeness.DataInvalidError, match="is of other photos, of another model, or of other options"):
        embed_list(names, tmp_path / "faces", FaceEmbedder("tiny", models=packs, main_face=True), photos_a_part=2)
    with pytest.raises(likeness.DataInvalidError, match="beyond the end"):
        embed_list(names[:2], tmp_path / "faces", embedder, photos_a_part=2)
    (tmp_path / "faces" / "part-000001.parquet").write_bytes(b"PAR1 damaged")
    with pytest.raises(likeness.DataInvalidError, match="part-000001.parquet: no readable Parquet"):
        embed_list(names, tmp_path / "faces", embedder, photos_a_part=2)
    with pytest.raises(likeness.OutputUnwritableError):
        embed_list(names, tmp_path / "photos" / "person_0" / "0.png", embedder)


@pytest.fixture
def named(embedder, table):
    return embedder(table.slice(0, 2)).drop_columns(["number"])


def written(folder, table):
    pq.write_table(table, folder / "faces.parquet")
    return folder / "faces.parquet"


def changed(table, name, values):
    return table.set_column(table.column_names.index(name), name, values)


def test_lists_of_any_kind_and_rows_in_any_place(recognizer, named, tmp_path):
    """As pandas, Ray, Spark or DuckDB write them; null rows move nobody up, and one file's rows may be there twice."""
    for kind in (pa.list_, pa.large_list):
        lists = kind(pa.float64())
        faces = changed(named, "embedding", pa.chunked_array([pa.array(named.column("embedding").to_pylist(), lists)]))
        faces = pa.concat_tables([faces.slice(2), faces, faces])
        faces = changed(faces, "person", pa.array([None, "Ann", "Bo", "Cy", "Ann", "Bo", "Cy"]))
        faces = changed(faces, "box", pa.array([None, None, *faces.column("box").to_pylist()[2:4], None, *faces.column("box").to_pylist()[5:]],
                                               pa.list_(pa.float32(), 4)))  # fmt: skip
        gallery = likeness.Gallery.in_memory(recognizer.space)
        assert import_faces(gallery, written(tmp_path, faces), rows_at_once=2) == (3, 3, 1)
        assert gallery.people == {"Ann": 1, "Bo": 1, "Cy": 1}
        for row, person in zip(named.to_pylist(), ("Ann", "Bo", "Cy")):
            assert np.allclose(gallery.embeddings(person)[0], row["embedding"], atol=1e-6)
            assert gallery.faces(person)[0].photo_size == (row["width"], row["height"])
    assert space_of(written(tmp_path, named)) == recognizer.space
    assert named.schema.metadata[SPACE_KEY]
    assert space_of(written(tmp_path, named.replace_schema_metadata())) is None


def test_says_what_is_wrong_with_a_file(recognizer, named, tmp_path):
    gallery = likeness.Gallery.in_memory(recognizer.space)
    named = changed(named, "person", pa.array(["Ann", "Bo", "Cy"]))
    wide = named.column("embedding").to_pylist()
    for faces, words in [
        (named.drop_columns(["person"]), "there is no column person"),
        (changed(named, "person", pa.array([1, 2, 3])), "rows 0 to 2: person: text wanted, int64 given"),
        (changed(named, "person", pa.array(["Ann", " ", "Cy"])), "rows 0 to 2: a person's name must not be empty"),
        (changed(named, "sha256", pa.array(["Ann", "Bo", "Cy"])), "rows 0 to 2: .*hash"),
        (changed(named, "embedding", pa.array([[x * 2 for x in row] for row in wide])), "embedding of Ann: not of unit length"),
        (changed(named, "embedding", pa.array([wide[0], [float("nan")] * len(wide[0]), wide[2]])), "embedding of Bo: not of unit length"),
        (changed(named, "embedding", pa.array([row[1:] for row in wide])), "embedding: lists of .* numbers wanted"),
        (changed(named, "embedding", pa.array(["a", "b", "c"])), "embedding: lists of .* wanted, string given"),
        (changed(named, "box", pa.array([["a"] * 4] * 3)), "box: numbers wanted"),
        (changed(named, "width", pa.array([float("nan")] * 3)), "width and height: numbers wanted"),
        (changed(named, "width", pa.array([-5] * 3)), "rows 0 to 2: a photo.s width and height"),
    ]:
        with pytest.raises(likeness.DataInvalidError, match=f"faces.parquet: .*{words}"):
            import_faces(gallery, written(tmp_path, faces))
    with pytest.raises(likeness.ModelMismatchError, match="another, but the gallery"):
        import_faces(gallery, written(tmp_path, changed(named, "contract_id", pa.array(["another"] * 3))))
    assert len(gallery) == 0
    damaged = written(tmp_path, named).read_bytes()
    for cut in (damaged[:100], damaged[: len(damaged) // 2] + damaged[-200:], b""):
        (tmp_path / "faces.parquet").write_bytes(cut)
        with pytest.raises(likeness.DataInvalidError, match="faces.parquet: no readable Parquet"):
            import_faces(gallery, tmp_path / "faces.parquet")
