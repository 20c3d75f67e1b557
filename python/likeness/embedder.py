"""Chips to embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import _native
from ._models import TUTORIAL_MODEL, PathLike, model_folders, network_cache, with_openvino
from ._native import EmbeddingSpace, Face, ModelPack
from ._photos import Order, PhotoLike, pixels_of
from ._progress import ProgressLike, progress_call

if TYPE_CHECKING:
    import numpy
    import numpy.typing

    Floats = numpy.typing.NDArray[numpy.float32]
    Pixels = numpy.typing.NDArray[numpy.uint8]


class Embedder:
    """Turns chips (faces cut out at the size a model wants) into embeddings, as the model's contract says.

    Slow to make, cheap to use; threads may share one. It is pickled by its options.

    Args:
        model: name of a pack, or its folder; the usual one is that of the tutorial's steps.
        precision: "f32", "bf16" or "int8"; what the CPU or the pack lacks is refused.
        threads: for all calls together.
        batch: chips the network sees at once.
        models: folder, or folders, of model packs; None: $LIKENESS_MODELS, else where setup puts them.

    Raises:
        ModelNotFoundError, ModelInvalidError, UnsupportedError: by the pack or precision.
        ValueError: for options out of range.
    """

    def __init__(
        self,
        model: str = TUTORIAL_MODEL,
        *,
        precision: str = "f32",
        threads: int = 1,
        batch: int = 32,
        models: PathLike | Sequence[PathLike] | None = None,
    ) -> None:
        self._options: dict[str, Any] = {
            "model": model,
            "precision": precision,
            "threads": threads,
            "batch": batch,
            "models": model_folders(models),
        }
        self.pack: ModelPack = _native.find_pack(model, self._options["models"])
        self._native = self._made()

    def _made(self, scale: float | None = None) -> _native.Embedder:
        options = self._options
        return with_openvino(
            lambda: _native.make_embedder(
                self.pack, options["precision"], options["threads"], options["threads"], options["batch"],
                network_cache(), scale,
            )
        )  # fmt: skip

    @property
    def space(self) -> EmbeddingSpace:
        """What its embeddings can be compared with."""
        return self._native.space

    def embed(self, chips: Pixels | Sequence[Pixels], *, raw: bool = False, progress: ProgressLike = None) -> Floats:
        """One embedding a chip.

        Args:
            chips: uint8 (n, height, width, 3) RGB, or a list of such pictures; the size is the model's
                (`pack.input_size`).
            raw: the network's own output, before it is brought to unit length.
            progress: see Recognizer.stream().

        Returns:
            float32 (n, d), rows of unit length.

        Raises:
            TypeError, ValueError: for chips of another type, shape or size.
        """
        import numpy

        stack = chips if isinstance(chips, numpy.ndarray) else _stack(chips, self.pack)
        if stack.dtype != numpy.uint8:
            raise TypeError(f"chips: uint8 pixels wanted, {stack.dtype} given")
        if stack.ndim != 4 or stack.shape[3] != 3:
            raise ValueError(f"chips: shape (n, height, width, 3) wanted, not {stack.shape}")
        with progress_call(progress, "face") as told:
            return self._native.embed(numpy.ascontiguousarray(stack), raw, told)

    __call__ = embed

    def cut(self, image: PhotoLike, face: Face, *, order: Order | None = None) -> Pixels:
        """The chip of a face: uint8 (height, width, 3) RGB, as the model's contract cuts it out of `image`."""
        pixels, order = pixels_of(image, order, "image")
        return _native.cut_chip(pixels, order, face, self.pack)

    def __reduce__(self) -> tuple[Any, ...]:
        return _make_embedder, (self._options,)

    def __repr__(self) -> str:
        return f"Embedder({self._options['model']!r}, precision={self._options['precision']!r})"


def _stack(chips: Sequence[Pixels], pack: ModelPack) -> Pixels:
    import numpy

    if len(chips) == 0:
        width, height = pack.input_size
        return numpy.zeros((0, height, width, 3), numpy.uint8)
    return numpy.stack([numpy.asarray(chip) for chip in chips])


def _make_embedder(options: dict[str, Any]) -> Embedder:
    return Embedder(**options)
