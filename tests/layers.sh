#!/bin/sh
# Every include between the folders must point left in this list, and every folder must be in it. Run from the root.
library="core stats npz image xmp report infer model detect align embed classify gallery cluster dataset recognize eval"
bad=0

for folder in likeness/*/; do
  stage=$(basename "$folder")
  case " $library " in *" $stage "*) ;; *) echo "likeness/$stage is not in the list of tests/layers.sh"; bad=1 ;; esac
done

seen=""
for stage in $library; do
  seen="$seen $stage"
  [ -d "likeness/$stage" ] || continue
  # likeness/version.h stands in no folder: everybody may know the version.
  for used in $(grep -rhE '#include "' "likeness/$stage" | grep -v '"likeness/version.h"' | grep -oE '#include "(likeness/)?[a-z]+/' | sed -E 's@.*"(likeness/)?([a-z]+)/@\2@' | sort -u); do
    case "$seen " in *" $used "*) ;; *) echo "likeness/$stage must not include $used"; bad=1 ;; esac
  done
done

# Tests, benchmarks and fuzz targets are known by the build's lists: model/self_test.cpp has such a name and is library.
apart=" $(sed -nE 's/.*likeness_(test|bench|fuzz)\(([a-z0-9_]+).*/\2.cpp/p' likeness/*/CMakeLists.txt serve/CMakeLists.txt serve/compat/CMakeLists.txt serve/import/CMakeLists.txt | tr '\n' ' ')"
apart="$apart $(sed -n '/likeness_test(/,/)/p' likeness/*/CMakeLists.txt serve/CMakeLists.txt serve/compat/CMakeLists.txt serve/import/CMakeLists.txt | grep -hoE '[a-z0-9_]+_test\.cpp' | tr '\n' ' ')"
own=""
for file in $(find likeness serve cli -name '*.cpp' -o -name '*.h'); do
  case "$apart" in *" $(basename "$file") "*) ;; *) own="$own $file" ;; esac
done

# only WHAT PATTERN FOLDER: nothing outside FOLDER has the pattern.
only() {
  found=$(grep -lE "$2" $own | grep -vE "^$3(/|$)")
  [ -z "$found" ] || { echo "only $3 $1, but so does:"; echo "$found"; bad=1; }
}
only "includes OpenVINO" '#include <openvino/' likeness/infer/openvino
only "includes Eigen" '#include [<"](Eigen|unsupported/Eigen)/' likeness/embed
only "knows SQL" '#include [<"].*sqlite3?\.h[>"]|"(SELECT|INSERT|UPDATE|DELETE|CREATE TABLE|PRAGMA) ' likeness/gallery
only "includes libmosquitto" '#include <mosquitto' serve/mqtt_client.cpp
strays=$(grep -lE '#include [<"](libpq-fe|libpq/)' $own | grep -v -x -e likeness/gallery/postgres.cpp -e likeness/gallery/postgres_address.cpp -e likeness/gallery/postgres_server_testing.h)
[ -z "$strays" ] || { echo "only likeness/gallery/postgres.cpp and postgres_address.cpp know libpq, but so does: $strays"; bad=1; }
only "sees CLI11" '#include <CLI/' cli
only "includes Boost" '#include <boost/' serve
strays=$(grep -rlE '#include <boost/' serve | grep -v -x -e serve/beast_server.cpp -e serve/wire.cpp -e serve/wire.h)
strays="$strays$(grep -rl '"serve/wire.h"' . --include=*.cpp --include=*.h | grep -v -x -e ./serve/beast_server.cpp -e ./serve/wire.cpp)"
[ -z "$strays" ] || { echo "Boost is seen outside serve/beast_server.cpp and serve/wire.cpp: $strays"; bad=1; }
grep -rlE '#include "(cli|train|python)/' serve && { echo "serve must not include programs"; bad=1; }

library=$(printf '%s\n' $own | grep '^likeness/')
grep -lE '#include "(cli|serve|train|python)/' $library && { echo "the library must not include its users"; bad=1; }
grep -nE '\bstd::(cout|cerr|clog)|(^|[^a-z_])(f|v|vf|d)?printf\(|\b(std::)?(puts|fputs|perror|quick_exit)\(|\bstd::exit|(^|[^_])abort\(\)' $library &&
  { echo "the library must not print or exit"; bad=1; }
exit $bad
