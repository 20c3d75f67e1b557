"""The faces of a folder of photos, or of Parquet files with a column `bytes`, as Parquet; and from there into a gallery.

ray_embed.py PHOTOS FACES [--gallery FILE] [--actors N] [--model NAME] [--models FOLDER]

A folder has a folder for each person, PHOTOS/NAME/photo.jpg; Parquet files may have the columns `path` and `person` too.
FACES must not be there: each run writes a folder of its own. `pip install 'ray[data]'` first.
"""

from __future__ import annotations

import argparse
import pathlib
from typing import Any

import pyarrow as pa
import ray

import likeness
from likeness.parquet import files_of, import_faces
from likeness.ray import FaceEmbedder


def with_people(photos: pa.Table) -> pa.Table:
    """Each photo shows the person whom its folder is called by."""
    names = [pathlib.PurePath(path).parent.name for path in photos.column("path").to_pylist()]
    return photos.append_column("person", pa.array(names, pa.string()))


def faces_of(photos: pathlib.Path, actors: int, options: dict[str, Any]) -> ray.data.Dataset:
    """A data set of the columns of likeness.ray.schema_of()."""
    if any(photos.glob("*.parquet")):
        data = ray.data.read_parquet(str(photos))
    else:
        data = ray.data.from_arrow(pa.table({"path": likeness.photos_in(photos)})).repartition(8 * actors)
        data = data.map_batches(with_people, batch_format="pyarrow")
    # One model an actor. An actor that dies is started again, and its photos are looked at again. A processor is left to
    # the tasks that read and write, in Ray's book-keeping: without one the job waits for ever, and says nothing.
    cpus = min(1.0, (ray.cluster_resources()["CPU"] - 1) / actors)
    return data.map_batches(
        FaceEmbedder, fn_constructor_kwargs=options, batch_format="pyarrow", batch_size=64, num_cpus=cpus,
        compute=ray.data.ActorPoolStrategy(size=actors),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=pathlib.Path)
    parser.add_argument("faces", type=pathlib.Path)
    parser.add_argument("--gallery", type=pathlib.Path)
    parser.add_argument("--actors", type=int, default=2)
    parser.add_argument("--model", default="sface")
    parser.add_argument("--models")
    options = parser.parse_args()
    if options.faces.exists():
        parser.error(f"{options.faces} is there already, and Ray would add to it; give each run a folder of its own")

    ray.init()
    embedding = {"model": options.model, "models": options.models, "main_face": True}
    faces_of(options.photos, options.actors, embedding).write_parquet(str(options.faces))
    if options.gallery is None:
        return
    # Not within the job: there a batch may be computed twice.
    space = likeness.Recognizer(options.model, models=options.models).space
    gallery = likeness.Gallery.create(options.gallery, space, exist_ok=True)
    done = [import_faces(gallery, file) for file in files_of([options.faces])]
    print(f"{sum(d.added for d in done)} faces added, {sum(d.known for d in done)} known already")


if __name__ == "__main__":
    main()
