"""Faces of very many photos as Arrow tables: for Ray Data, for PySpark, or for any loop over batches.

    ray.data.read_binary_files("photos/", include_paths=True).map_batches(
        FaceEmbedder, batch_format="pyarrow", batch_size=64, num_cpus=1, compute=ray.data.ActorPoolStrategy(size=2)
    ).write_parquet("faces/")

Needs pyarrow, and neither Ray nor Spark. docs/scale.md has the whole road, into a gallery too.
"""

from __future__ import annotations

import inspect
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ._models import PEOPLE_MODEL
from ._native import FACE_COLUMNS
from ._photos import photo
from .recognizer import Recognizer

if TYPE_CHECKING:
    import pandas
    import pyarrow

    from ._native import EmbeddingSpace, Photo, PhotoFaces

#: Key of the schema's metadata under which the embedding space lies as JSON. Ray keeps it, Spark does not.
SPACE_KEY = b"likeness.space"
_QUALITY = ("size_px", "sharpness", "brightness", "yaw", "score")
#: Where a row of PhotoFaces.measured has each column; FACE_COLUMNS numbers in all.
_PARTS = {"box": slice(0, 4), "landmarks": slice(4, 14), **{name: slice(at, at + 1) for at, name in enumerate(_QUALITY, 14)}}
#: Engines of before a fork: their threads stayed in the other process, and ending them would wait for these.
_left_behind: list[Recognizer] = []


def schema_of(space: EmbeddingSpace, keep: Sequence[pyarrow.Field] = ()) -> pyarrow.Schema:
    """What a table of faces has, one row a face; `keep` stands before it.

    A photo without a face, or that cannot be read, is one row whose `face` and all behind it are null.

    | column | type | |
    |---|---|---|
    | photo | string | its path, or null where it came as bytes without one |
    | sha256 | string | of the photo's bytes, 64 hexadecimal digits |
    | person | string | as the input has it |
    | error | string | why the photo could not be read; else null |
    | width, height | int32 | of the upright photo, pixels |
    | face | int32 | 0, 1, ... within the photo, best score first |
    | box | float[4] | left, top, right, bottom, pixels |
    | landmarks | float[10] | x, y of the eyes, the nose and the mouth corners |
    | size_px, sharpness, brightness, yaw, score | float | as likeness.FaceQuality has them |
    | embedding | float[d] | unit length |
    | contract_id | string | names the embedding space |
    """
    import pyarrow as pa

    text, number, whole = pa.string(), pa.float32(), pa.int32()
    return pa.schema(
        [*keep, ("photo", text), ("sha256", text), ("person", text), ("error", text), ("width", whole),
         ("height", whole), ("face", whole), ("box", pa.list_(number, 4)), ("landmarks", pa.list_(number, 10)),
         *((name, number) for name in _QUALITY), ("embedding", pa.list_(number, space.dimension)), ("contract_id", text)],
        metadata={SPACE_KEY: space.to_json().encode()},
    )  # fmt: skip


class FaceEmbedder:
    """Tables of photos to tables of faces (schema_of()): give the class to Ray Data's map_batches with
    batch_format="pyarrow".

    The input has a column `bytes` (binary: whole image files) or `path` (string), or both: then the bytes are read
    and the path names them. A column `person` (string) is taken along. Nothing has side effects, and no photo raises:
    a batch may be computed twice.

    Models are opened by the first call. It is pickled by its options, which the worker's own environment completes.
    Threads may share one; no call keeps the interpreter's lock while it works.

    Args:
        model: as Recognizer's, and so are all other options, given by name.
        threads: None: the CPUs that Ray gave to this actor or task; else OMP_NUM_THREADS, which Ray and Spark set; else 1.
        main_face: of each photo only the largest face near the middle: for photos that show the person named.
        keep: names of more input columns that each face's row repeats, such as the photo's number; Ray's actors do
            not keep the order of rows.

    Raises:
        TypeError: for an option that Recognizer does not know.
    """

    def __init__(
        self,
        model: str = PEOPLE_MODEL,
        *,
        threads: int | None = None,
        main_face: bool = False,
        keep: Sequence[str] = (),
        **options: Any,
    ) -> None:
        inspect.signature(Recognizer).bind(model, threads=threads, **options)
        self._options: dict[str, Any] = {"model": model, "threads": threads, "main_face": main_face, "keep": tuple(keep), **options}
        self._lock = threading.Lock()
        self._engine: Recognizer | None = None
        self._process = 0

    @property
    def recognizer(self) -> Recognizer:
        """What does the work, opened now if it is not. Raises: ModelNotFoundError and others, as Recognizer."""
        with self._lock:
            if self._engine is not None and self._process != os.getpid():
                _left_behind.append(self._engine)
                self._engine = None
            if self._engine is None:
                options = {name: value for name, value in self._options.items() if name not in ("main_face", "keep")}
                options["threads"] = options["threads"] or threads_here()
                self._engine = Recognizer(**options).load()
                self._process = os.getpid()
            return self._engine

    @property
    def options(self) -> dict[str, Any]:
        """What it was made with; a copy."""
        return dict(self._options)

    @property
    def schema(self) -> pyarrow.Schema:
        """Of its tables, without columns that `keep` names."""
        return schema_of(self.recognizer.space)

    def __call__(self, batch: pyarrow.Table) -> pyarrow.Table:
        """The faces of a table of photos, in its order.

        Raises:
            TypeError, ValueError: for what is no Arrow table, or columns missing or of other types.
            ModelNotFoundError: and others, as Recognizer.
        """
        import pyarrow as pa

        if not isinstance(batch, pa.Table):
            raise TypeError(f'an Arrow table wanted (batch_format="pyarrow"), not {type(batch).__name__}')
        names, given = _photos_of(batch)
        kept = _kept_columns(batch, self._options["keep"])
        ready = [one for one in given if one is not None]
        results = iter(self.recognizer.find_many(ready, main_face=self._options["main_face"]))
        found = [next(results) if one is not None else None for one in given]
        people = _column(batch, "person", pa.string()) if "person" in batch.column_names else None
        return _faces_table(found, names, people, kept, self.recognizer.space)

    def map_in_pandas(self, frames: Iterator[pandas.DataFrame]) -> Iterator[pandas.DataFrame]:
        """The same for PySpark: `photos.mapInPandas(embedder.map_in_pandas, embedder.spark_schema)`."""
        import pyarrow as pa

        for frame in frames:
            yield self(pa.Table.from_pandas(frame, preserve_index=False)).to_pandas(integer_object_nulls=True)

    @property
    def spark_schema(self) -> str:
        """The schema in Spark's words."""
        import pyarrow as pa

        words = {pa.string(): "string", pa.int32(): "int", pa.float32(): "float"}
        return ", ".join(f"{field.name} {words.get(field.type, 'array<float>')}" for field in self.schema)

    def __reduce__(self) -> tuple[Any, ...]:
        return _make_embedder, (self._options,)

    def __repr__(self) -> str:
        return f"FaceEmbedder({self._options['model']!r})"


def threads_here() -> int:
    """How many threads this worker may use: never the machine's processors, which are not all its own."""
    ray = sys.modules.get("ray")
    if ray is not None and ray.is_initialized():
        context = ray.get_runtime_context()
        if context.get_actor_id() or context.get_task_id():
            return max(1, int(context.get_assigned_resources().get("CPU", 1)))
    told = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, int(told)) if told.isdecimal() else 1


def _make_embedder(options: dict[str, Any]) -> FaceEmbedder:
    return FaceEmbedder(**options)


def _column(batch: pyarrow.Table, name: str, kind: pyarrow.DataType) -> pyarrow.ChunkedArray:
    """A column of text or bytes, in any of Arrow's layouts of it."""
    import pyarrow as pa

    column = batch.column(name)
    if pa.types.is_null(column.type) or (pa.types.is_dictionary(column.type) and column.type.value_type == kind):
        return column.cast(kind)
    if str(column.type) not in (str(kind), f"large_{kind}", f"{kind}_view"):
        raise ValueError(f"column {name}: {kind} wanted, {column.type} given")
    return column


def _photos_of(batch: pyarrow.Table) -> tuple[list[str | None], list[Photo | None]]:
    """Names and photos of the rows; None where there is none. Nothing is copied."""
    import pyarrow as pa

    columns = batch.column_names
    if "bytes" not in columns and "path" not in columns:
        raise ValueError(f"a column `bytes` or `path` wanted; there are: {', '.join(columns) or 'none'}")
    names: list[str | None] = [None] * batch.num_rows
    if "path" in columns:
        names = _column(batch, "path", pa.string()).to_pylist()
    if "bytes" not in columns:
        return names, [photo(name) if name else None for name in names]
    contents = (cell.as_buffer() for cell in _column(batch, "bytes", pa.binary()))
    return names, [
        None if data is None else photo(memoryview(data), name=name or f"row {row}")
        for row, (name, data) in enumerate(zip(names, contents))
    ]


def _kept_columns(batch: pyarrow.Table, keep: Sequence[str]) -> pyarrow.Table:
    missing = [name for name in keep if name not in batch.column_names]
    if missing:
        raise ValueError(f"keep: there is no column {missing[0]}; there are: {', '.join(batch.column_names)}")
    return batch.select(list(keep))


def _faces_table(
    found: Sequence[PhotoFaces | None],
    names: Sequence[str | None],
    people: pyarrow.ChunkedArray | None,
    kept: pyarrow.Table,
    space: EmbeddingSpace,
) -> pyarrow.Table:
    import numpy
    import pyarrow as pa

    schema = schema_of(space, list(kept.schema))
    if len(set(schema.names)) < len(schema.names):
        raise ValueError(f"keep: faces have columns of their own called {', '.join(schema_of(space).names)}")
    faces = numpy.array([len(result.chosen) if result is not None else 0 for result in found], numpy.int64)
    photo_of = numpy.repeat(numpy.arange(len(found)), numpy.maximum(faces, 1))
    there = numpy.repeat(faces > 0, numpy.maximum(faces, 1))
    measured = numpy.zeros((len(there), FACE_COLUMNS), numpy.float32)
    embeddings = numpy.zeros((len(there), space.dimension), numpy.float32)
    some = [result for result in found if result is not None and len(result.chosen) > 0]
    if some:
        measured[there] = numpy.concatenate([result.measured for result in some])
        embeddings[there] = numpy.concatenate([result.embeddings for result in some])
    numbers = numpy.zeros(len(there), numpy.int32)
    numbers[there] = numpy.concatenate([numpy.arange(n) for n in faces if n] or [numpy.zeros(0)])
    missing = pa.array(~there)

    def rows(values: Any) -> pyarrow.Array:
        flat = pa.array(numpy.ascontiguousarray(values).ravel())
        return pa.FixedSizeListArray.from_arrays(flat, values.shape[1], mask=missing)

    def of_photos(values: list[Any], kind: pyarrow.DataType) -> pyarrow.Array:
        return pa.array(values, kind).take(pa.array(photo_of))

    errors = ["the row has no photo" if result is None else result.error for result in found]
    read = [result if result is not None and result.error is None else None for result in found]
    text, whole = pa.string(), pa.int32()
    columns = [
        *(column.take(pa.array(photo_of)) for column in kept.columns),
        of_photos(list(names), text),
        of_photos([result.sha256 or None if result is not None else None for result in found], text),
        of_photos([None] * len(found) if people is None else people.to_pylist(), text),
        of_photos(errors, text),
        of_photos([result and result.width for result in read], whole),
        of_photos([result and result.height for result in read], whole),
        pa.array(numbers, whole, mask=~there),
        rows(measured[:, _PARTS["box"]]),
        rows(measured[:, _PARTS["landmarks"]]),
        *(pa.array(measured[:, _PARTS[name].start], mask=~there) for name in _QUALITY),
        rows(embeddings),
        pa.array([space.id]).take(pa.array(numpy.zeros(len(there), numpy.int64))),
    ]
    return pa.table(columns, schema=schema)
