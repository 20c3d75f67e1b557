"""The faces of Parquet files with a column `bytes` (and `path`, `person`), by PySpark, as Parquet for `python -m likeness import`.

spark_embed.py PHOTOS FACES [--model NAME] [--models FOLDER]        `pip install pyspark pyarrow pandas`; Java 17 or later
"""

from __future__ import annotations

import argparse

from pyspark.sql import SparkSession

from likeness.ray import FaceEmbedder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos")
    parser.add_argument("faces")
    parser.add_argument("--model", default="sface")
    parser.add_argument("--models")
    options = parser.parse_args()

    spark = SparkSession.builder.appName("faces").config("spark.sql.execution.arrow.maxRecordsPerBatch", 64).getOrCreate()
    # Pickled by its options; each worker opens its own models. Spark sets OMP_NUM_THREADS to the executor's cores.
    embedder = FaceEmbedder(options.model, models=options.models)
    photos = spark.read.parquet(options.photos)
    photos.mapInPandas(embedder.map_in_pandas, embedder.spark_schema).write.parquet(options.faces)
    spark.stop()


if __name__ == "__main__":
    main()
