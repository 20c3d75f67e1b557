#!/bin/sh
# Face regions that other programs write are enrolled from, and they read ours: ExifTool (regions of the Metadata Working
# Group and Microsoft) and Exiv2, which digiKam writes with. With the real model and the sample photos of
# scripts/setup.
#   tests/xmp/run.sh LIKENESS MODELS SAMPLES FOLDER
set -u
program=$1 models=$2 samples=$3 folder=$4
rm -rf "$folder" && mkdir -p "$folder/photos" || exit 1
cd "$folder" || exit 1
fail() { echo "xmp: $*"; exit 1; }
for tool in exiftool exiv2; do
  command -v $tool >/dev/null || fail "$tool is missing: apt-get install libimage-exiftool-perl exiv2"
done
likeness() { "$program" "$@" --models "$models"; }
# has FILE TEXT
has() { grep -qF -- "$2" "$1" || { cat "$1"; fail "$1 has not: $2"; }; }

# Where the face is, in shares: centre, width and height; as its upper left corner too.
likeness detect "$samples/obama.jpg" --json >face.json || fail "no face"
size=$(exiftool -s3 -ImageSize "$samples/obama.jpg")
area=$(python3 - "$size" <<'END'
import json, sys

width, height = map(int, sys.argv[1].split("x"))
left, top, right, bottom = json.loads(open("face.json").readline())["faces"][0]["box"]
print((left + right) / 2 / width, (top + bottom) / 2 / height, (right - left) / width, (bottom - top) / height,
      left / width, top / height)
END
) || fail "no box"
# shellcheck disable=SC2086
set -- $area
x=$1 y=$2 w=$3 h=$4 left=$5 top=$6

# What others write.
cp "$samples/obama.jpg" photos/mwg.jpg
exiftool -q -overwrite_original "-RegionInfo={AppliedToDimensions={W=${size%x*},H=${size#*x},Unit=pixel},RegionList=[{Area={X=$x,Y=$y,W=$w,H=$h,Unit=normalized},Name=Metadata Group,Type=Face},{Area={X=0.01,Y=0.01,W=0.02,H=0.02,Unit=normalized},Name=Nobody There,Type=Face}]}" photos/mwg.jpg || fail exiftool
cp "$samples/obama.jpg" photos/microsoft.jpg
exiftool -q -overwrite_original "-RegionInfoMP={Regions=[{PersonDisplayName=Micro Soft,Rectangle=$left|, $top|, $w|, $h}]}" photos/microsoft.jpg || fail exiftool
cp "$samples/obama.jpg" photos/sidecar.jpg
exiftool -q "-RegionInfo={RegionList=[{Area={X=$x,Y=$y,W=$w,H=$h,Unit=normalized},Name=Side Car,Type=Face}]}" "-title=A title" photos/sidecar.jpg.xmp || fail exiftool
# Exiv2 writes fields as attributes.
cp "$samples/obama.jpg" photos/exiv2.jpg
exiv2 -M'set Xmp.mwg-rs.Regions XmpText type=Struct' -M'set Xmp.mwg-rs.Regions/mwg-rs:RegionList XmpText type=Bag' \
  -M"set Xmp.mwg-rs.Regions/mwg-rs:RegionList[1]/mwg-rs:Name Exiv Two" \
  -M"set Xmp.mwg-rs.Regions/mwg-rs:RegionList[1]/mwg-rs:Type Face" \
  -M"set Xmp.mwg-rs.Regions/mwg-rs:RegionList[1]/mwg-rs:Area/stArea:x $x" \
  -M"set Xmp.mwg-rs.Regions/mwg-rs:RegionList[1]/mwg-rs:Area/stArea:y $y" \
  -M"set Xmp.mwg-rs.Regions/mwg-rs:RegionList[1]/mwg-rs:Area/stArea:w $w" \
  -M"set Xmp.mwg-rs.Regions/mwg-rs:RegionList[1]/mwg-rs:Area/stArea:h $h" \
  -M"set Xmp.mwg-rs.Regions/mwg-rs:RegionList[1]/mwg-rs:Area/stArea:unit normalized" photos/exiv2.jpg || fail exiv2

likeness gallery add photos --from-xmp --gallery people.gallery --json >added.json
[ $? = 1 ] || fail "one name has no face, and the exit code does not say so"
for name in "Metadata Group" "Micro Soft" "Side Car" "Exiv Two"; do
  grep -F "\"person\":\"$name\"" added.json | grep -qF '"status":"enrolled"' || { cat added.json; fail "$name was not enrolled"; }
done
grep -F '"person":"Nobody There"' added.json | grep -qF '"status":"no face there"' || { cat added.json; fail "Nobody There"; }

# What we write.
cp "$samples/biden.jpg" photos/biden.jpg
likeness gallery add photos/biden.jpg --name "Joe <Ä> & Co" --gallery people.gallery >/dev/null || fail "gallery add"
"$program" gallery export --xmp --gallery people.gallery >exported.txt || { cat exported.txt; fail "gallery export --xmp"; }
exiftool -q -s3 -RegionName -RegionType -RegionAppliedToDimensionsUnit photos/biden.jpg.xmp >read.txt || fail "ExifTool cannot read a sidecar"
has read.txt "Joe <Ä> & Co"
has read.txt "Face"
exiv2 -px pr photos/biden.jpg.xmp >read2.txt 2>&1 || { cat read2.txt; fail "Exiv2 cannot read a sidecar"; }
has read2.txt "Joe <Ä> & Co"
has read2.txt "Xmp.mwg-rs.Regions/mwg-rs:RegionList[1]/mwg-rs:Area/stArea:x"
# A sidecar that had something keeps it.
exiftool -q -s3 -Title -RegionName photos/sidecar.jpg.xmp >read3.txt
has read3.txt "A title"
has read3.txt "Side Car"
echo "xmp: all passed"
