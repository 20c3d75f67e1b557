"""Faces in Parquet files: written in parts, so that work which was interrupted goes on, and enrolled from such files.

The columns are those of likeness.ray.schema_of(). Needs pyarrow.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ._models import PathLike
from ._native import FACE_COLUMNS, EmbeddingSpace
from .errors import DataInvalidError, InputUnreadableError, ModelMismatchError, OutputUnwritableError
from .gallery import Gallery
from .ray import _PARTS, _QUALITY, SPACE_KEY, FaceEmbedder

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

#: Key of a part's metadata under which its Part lies as JSON.
PART_KEY = b"likeness.part"


class Part(NamedTuple):
    """What one file of embed_list() holds; `of` names its photos and what looked at them."""

    of: str
    photos: int
    unreadable: int
    faces: int


class Imported(NamedTuple):
    """What became of the faces of Parquet files."""

    added: int
    known: int  # enrolled already
    nameless: int  # without a person: nobody was enrolled


def embed_list(
    photos: Iterable[str],
    folder: PathLike,
    embedder: FaceEmbedder,
    *,
    people: Callable[[str], str | None] | None = None,
    photos_a_part: int = 1000,
    told: Callable[[pathlib.Path, Part, bool], None] | None = None,
) -> list[Part]:
    """Writes the faces of photos as `folder`/part-000000.parquet and so on; a part appears complete or not at all.

    Called again with the same list it leaves parts that are there and makes the others. Memory does not depend on
    the length of the list.

    Args:
        photos: paths, in an order that stays.
        people: gives the person of a path.
        told: called after each part with its file, what it holds, and whether it was there already.

    Raises:
        DataInvalidError: where the folder holds parts of another list, model or size.
        OutputUnwritableError: by the disk. ModelNotFoundError: and others, as Recognizer.
    """
    import pyarrow as pa

    place = pathlib.Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputUnwritableError(f"{place}: {error.strerror}") from error
    parts: list[Part] = []
    paths = iter(photos)
    for number in itertools.count():
        file = place / f"part-{number:06}.parquet"
        names = list(itertools.islice(paths, photos_a_part))
        if not names:
            break
        table = {"path": pa.array(names, pa.string())}
        if people is not None:
            table["person"] = pa.array([people(name) for name in names], pa.string())
        of = _identity(table, embedder)
        there = file.exists()
        part = _part_in(file, of) if there else _write_part(file, embedder(pa.table(table)), of, len(names))
        parts.append(part)
        if told is not None:
            told(file, part, there)
    if any(int(other.stem[5:]) >= len(parts) for other in place.glob("part-" + "[0-9]" * 6 + ".parquet")):
        raise DataInvalidError(f"{place}: holds parts beyond the end of this list; give each list a folder of its own")
    return parts


def _identity(table: dict[str, Any], embedder: FaceEmbedder) -> str:
    """Of photos and of what looks at them; threads change nothing."""
    options = {name: value for name, value in embedder.options.items() if name not in ("threads", "models")}
    lists = {name: column.to_pylist() for name, column in table.items()}
    return hashlib.sha256(json.dumps([lists, options, embedder.recognizer.space.id], default=str).encode()).hexdigest()


def _part_in(file: pathlib.Path, of: str) -> Part:
    with _opened(file) as parquet:
        text = (parquet.schema_arrow.metadata or {}).get(PART_KEY, b"{}")
    with contextlib.suppress(TypeError, ValueError):
        part = Part(**json.loads(text))
        if part.of == of:
            return part
    raise DataInvalidError(f"{file}: is of other photos, of another model, or of other options; give each list a folder of its own")


def _write_part(file: pathlib.Path, table: pyarrow.Table, of: str, photos: int) -> Part:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    unreadable = table.num_rows - table.column("error").null_count
    part = Part(of, photos, unreadable, table.num_rows - table.column("face").null_count)
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), PART_KEY: json.dumps(part._asdict())})
    text = [name for name in ("sha256", "person", "error", "contract_id") if pc.count_distinct(table.column(name)).as_py() < photos]
    making = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        with making.open("wb") as out:
            pq.write_table(table, out, compression="zstd", use_dictionary=text)
            out.flush()
            os.fsync(out.fileno())
        os.replace(making, file)
    except OSError as error:
        raise OutputUnwritableError(f"{file}: {error.strerror or error}") from error
    finally:
        making.unlink(missing_ok=True)
    return part


@contextlib.contextmanager
def _opened(path: PathLike) -> Iterator[pyarrow.parquet.ParquetFile]:
    """Raises: InputUnreadableError; DataInvalidError for what is no Parquet, also while it is read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(os.fsdecode(path)) as file:
            yield file
    except pa.ArrowException as error:
        raise DataInvalidError(f"{os.fsdecode(path)}: no readable Parquet: {str(error).splitlines()[0]}") from error
    except OSError as error:
        if error.errno is None:  # as of damaged pages
            raise DataInvalidError(f"{os.fsdecode(path)}: no readable Parquet: {str(error).splitlines()[0]}") from error
        raise InputUnreadableError(f"{os.fsdecode(path)}: {os.strerror(error.errno)}") from error


def files_of(paths: Sequence[PathLike]) -> list[str]:
    """Parquet files; a folder gives those that lie in it, sorted.

    Raises:
        InputUnreadableError: for a folder without any.
    """
    found: list[str] = []
    for path in map(os.fsdecode, paths):
        inside = sorted(str(file) for file in pathlib.Path(path).glob("*.parquet")) if os.path.isdir(path) else [path]
        if not inside:
            raise InputUnreadableError(f"{path}: no .parquet file in this folder")
        found += inside
    return found


def space_of(path: PathLike) -> EmbeddingSpace | None:
    """Of a file's embeddings, to make a gallery for them; None where its writer left it out, as Spark does.

    Raises:
        InputUnreadableError, DataInvalidError: naming the file.
    """
    import pyarrow as pa

    with _opened(path) as file:
        schema = file.schema_arrow
    text = (schema.metadata or {}).get(SPACE_KEY)
    if text is None or "embedding" not in schema.names or not pa.types.is_fixed_size_list(schema.field("embedding").type):
        return None
    try:
        return EmbeddingSpace.from_json(text.decode("utf-8", "replace"), schema.field("embedding").type.list_size)
    except (DataInvalidError, ValueError) as error:
        raise DataInvalidError(f"{os.fsdecode(path)}: {SPACE_KEY.decode()}: {error}") from error


def import_faces(gallery: Gallery, path: PathLike, *, rows_at_once: int = 2000) -> Imported:
    """Enrols the faces of a Parquet file that have a person. A face is known by its photo's hash and its box: a row that
    is there twice, or a file that is imported again, enrols nothing twice.

    Columns are found by name: `person`, `embedding` and `contract_id` must be there; `photo`, `sha256`, `box`,
    `landmarks`, `width` and `height` of the photo, and the five measures may be. Lists may be of any of Arrow's kinds.
    Each `rows_at_once` rows are one change of the gallery; where a row is refused, those before it stay enrolled, and
    importing again goes on.

    Raises:
        InputUnreadableError, DataInvalidError: naming the file and the row.
        ModelMismatchError: for faces of another model, naming both.
    """
    added = known = nameless = 0
    name = os.fsdecode(path)
    with _opened(path) as file:
        columns = file.schema_arrow.names
        for wanted in ("person", "embedding", "contract_id"):
            if wanted not in columns:
                raise DataInvalidError(f"{name}: there is no column {wanted}; likeness.ray.schema_of() says what faces have")
        usual = ("photo", "sha256", "person", "embedding", "contract_id", "width", "height", *_PARTS)
        first = 0
        for batch in file.iter_batches(rows_at_once, columns=[c for c in usual if c in columns]):
            where = f"{name}: rows {first} to {first + batch.num_rows - 1}"
            first += batch.num_rows
            faces, without = _named_faces(batch)
            nameless += without
            if faces.num_rows == 0:
                continue
            for answer in _enrol(gallery, faces, where):
                added += answer.is_new
                known += not answer.is_new
    return Imported(added, known, nameless)


def _named_faces(batch: pyarrow.RecordBatch) -> tuple[pyarrow.Table, int]:
    """Rows with a face and a person, and how many faces have none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = pa.Table.from_batches([batch])
    faces = table.filter(pc.is_valid(table.column("embedding")))
    named = faces.filter(pc.is_valid(faces.column("person")))
    return named, faces.num_rows - named.num_rows


def _enrol(gallery: Gallery, faces: pyarrow.Table, where: str) -> list[Any]:
    import numpy

    for other in faces.column("contract_id").unique().to_pylist():
        if other != gallery.space.id:
            raise ModelMismatchError(f"{where}: of {other}, but the gallery {gallery.name} is of {gallery.space.id}")
    embeddings = _matrix(faces, "embedding", gallery.space.dimension, where)
    lengths = numpy.linalg.norm(embeddings, axis=1, keepdims=True)
    wrong = ~(abs(lengths[:, 0] - 1) < 1e-3)  # also what is not finite
    if wrong.any():
        raise DataInvalidError(f"{where}: embedding of {faces.column('person')[int(wrong.argmax())]}: not of unit length")
    # A model's own output is of unit length but for the last digits, and stays as it is.
    embeddings = numpy.where(abs(lengths - 1) > 1e-6, embeddings / lengths, embeddings).astype(numpy.float32)
    measured = numpy.zeros((faces.num_rows, FACE_COLUMNS), numpy.float32)
    for column, part in _PARTS.items():
        if column not in faces.column_names:
            continue
        if column in _QUALITY:
            measured[:, part.start] = _numbers(faces.column(column), f"{where}: {column}")
        else:
            measured[:, part] = _matrix(faces, column, part.stop - part.start, where)
    texts = {
        column: [text or "" for text in _texts(faces, column, where)] if column in faces.column_names else None
        for column in ("person", "photo", "sha256")
    }
    sizes = None
    if {"width", "height"} <= set(faces.column_names):
        width, height = (_numbers(faces.column(side), f"{where}: {side}") for side in ("width", "height"))
        if not (numpy.isfinite(width).all() and numpy.isfinite(height).all()):
            raise DataInvalidError(f"{where}: width and height: numbers wanted")
        sizes = [(int(w), int(h)) for w, h in zip(width, height)]
    try:
        return gallery.add_many(
            texts["person"] or [], embeddings, photos=texts["photo"], sha256=texts["sha256"], measured=measured, sizes=sizes
        )
    except ValueError as error:
        raise DataInvalidError(f"{where}: {error}") from error


def _texts(faces: pyarrow.Table, column: str, where: str) -> list[str | None]:
    values: list[str | None] = faces.column(column).to_pylist()
    if any(not isinstance(value, (str, type(None))) for value in values):
        raise DataInvalidError(f"{where}: {column}: text wanted, {faces.column(column).type} given")
    return values


def _numbers(column: Any, what: str) -> Any:
    """float32, nulls as 0."""
    import pyarrow as pa

    try:
        return column.cast(pa.float32()).fill_null(0).to_numpy(zero_copy_only=False)
    except pa.ArrowException as error:
        raise DataInvalidError(f"{what}: numbers wanted, {column.type} given") from error


def _matrix(faces: pyarrow.Table, column: str, size: int, where: str) -> Any:
    """float32 (rows, size) of a column of lists; null rows are zeros."""
    import numpy
    import pyarrow as pa
    import pyarrow.compute as pc

    lists = faces.column(column).combine_chunks()
    if isinstance(lists, pa.ChunkedArray):  # of no chunk
        lists = pa.concat_arrays(lists.chunks)
    kind = lists.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        raise DataInvalidError(f"{where}: {column}: lists of {size} numbers wanted, {kind} given")
    lengths = pc.list_value_length(lists)
    if not pc.all(pc.equal(lengths, size), skip_nulls=True).as_py() and lengths.null_count < len(lengths):
        raise DataInvalidError(f"{where}: {column}: lists of {size} numbers wanted, of {pc.max(lengths)} or {pc.min(lengths)} given")
    there = lists.is_valid().to_numpy(zero_copy_only=False)
    values = numpy.zeros((len(lists), size), numpy.float32)
    # flatten() leaves null rows out, and minds slices.
    values[there] = _numbers(lists.flatten(), f"{where}: {column}").reshape(-1, size)
    return values
