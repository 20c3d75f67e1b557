#!/bin/sh
# One name stands for one type: the linker takes the first of two and is silent. What link-time optimisation sees (scripts/test
# --only lto) costs ten minutes; this reads the sources in a second. Run from the root.
exec python3 tests/one_definition.py
