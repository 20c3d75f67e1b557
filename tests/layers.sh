#!/bin/sh
# Every include between the folders must point left in this list, and every folder must be in it. Run from the root.
library="core stats npz image report infer model detect align embed classify gallery cluster dataset recognize eval"
bad=0

for folder in likeness/*/; do
  stage=$(basename "$folder")
  case " $library " in *" $stage "*) ;; *) echo "likeness/$stage is not in the list of tests/layers.sh"; bad=1 ;; esac
done

seen=""
for stage in $library; do
  seen="$seen $stage"
  [ -d "likeness/$stage" ] || continue
  for used in $(grep -rhoE '#include "(likeness/)?[a-z]+/' "likeness/$stage" | sed -E 's@.*"(likeness/)?([a-z]+)/@\2@' | sort -u); do
    case "$seen " in *" $used "*) ;; *) echo "likeness/$stage must not include $used"; bad=1 ;; esac
  done
done

# Outside the library: nobody includes the command line, and only infer/ knows OpenVINO.
grep -rlE '#include "(cli|serve|train|python)/' likeness && { echo "the library must not include its users"; bad=1; }
grep -rlE '#include <openvino/' likeness cli 2>/dev/null | grep -v '^likeness/infer/' && { echo "only likeness/infer includes OpenVINO"; bad=1; }
# The library neither prints nor exits; fuzz targets, tests and benchmarks are not library.
grep -rnE 'std::(cout|cerr|clog)|[^sn]printf\(|std::exit|[^_]abort\(\)' likeness --include='*.cpp' --include='*.h' |
  grep -vE '_(test|bench|fuzz)\.cpp:' && { echo "the library must not print or exit"; bad=1; }
exit $bad
