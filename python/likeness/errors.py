"""What likeness raises: one class for each kind of trouble from outside.

A wrong argument is a ValueError or TypeError that names it. Finding nobody is an answer, never an error.
"""

from __future__ import annotations


class Error(RuntimeError):
    """Trouble from outside, told in one line: which file, what is wrong.

    Attributes:
        code: the kind, as in the command line and the service, e.g. "image_unreadable".
        remedy: what would help, where that is known, e.g. "fetch_models"; else "none".
    """

    code = "error"
    remedy = "none"


class ImageUnreadableError(Error):
    """One photo is missing, damaged, over a limit, or of a format that is not read."""

    code = "image_unreadable"


class InputUnreadableError(Error):
    """There is no input at all: no such folder or file, no photos in it, no face in any."""

    code = "input_unreadable"


class ModelNotFoundError(Error):
    """There is no model pack of that name; `python -m likeness setup` fetches the usual ones."""

    code = "model_not_found"


class ModelInvalidError(Error):
    """A model file is damaged, fails its checksum or self-test, or is not understood."""

    code = "model_invalid"


class DataInvalidError(Error):
    """An .npz, gallery or other data file is damaged, or does not hold what is asked of it."""

    code = "data_invalid"


class ModelMismatchError(Error):
    """Data made by one model are used with another; the message names both."""

    code = "model_mismatch"


class OutputUnwritableError(Error):
    """A result cannot be written: no permission, no such folder, disk full."""

    code = "output_unwritable"


class UnsupportedError(Error):
    """This machine or build cannot do what was asked, or a library is missing."""

    code = "unsupported"


class UnavailableError(Error):
    """A service or database cannot be reached, or is locked by another process."""

    code = "unavailable"


class StoppedError(Error):
    """A progress callback returned False."""

    code = "stopped"
