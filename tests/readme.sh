#!/bin/sh
# The C++ program in README.md is tests/readme_example.cpp, which is compiled with the tests. Run from the root.
sed -n '/^```cpp$/,/^```$/p' README.md | sed '1d;$d' | diff - tests/readme_example.cpp ||
  { echo "README.md and tests/readme_example.cpp differ"; exit 1; }
lines=$(wc -l < README.md)
[ "$lines" -le 200 ] || { echo "README.md has $lines lines; 200 is the limit"; exit 1; }
