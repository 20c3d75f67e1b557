"""`python -m likeness.compat.face_detection` instead of the command face_detection of face_recognition 1.3.0."""

from __future__ import annotations

from ._face_recognition_commands import detection

if __name__ == "__main__":
    import sys

    sys.exit(detection())
