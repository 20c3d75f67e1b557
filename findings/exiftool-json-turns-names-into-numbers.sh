#!/usr/bin/env bash
# Believed: names of people, which are text in XMP, are strings in the JSON of `exiftool -j`.
# True: a name that looks like a number or a truth value is written without quotes: the person "1.10" is read back as 1.1, "1e5"
#   as 100000.0 and "true" as a boolean, in plain and in -struct output. "007" stays a string, so the types are mixed within a list.
# Versions: Debian's libimage-exiftool-perl 12.57+dfsg-1.
# Hurts: importers of face regions where people are numbered (studies, schools, staff): two people fall into one, or a name is no
#   longer text and the import stops.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download -qq libimage-exiftool-perl=12.57+dfsg-1
dpkg -x libimage-exiftool-perl_*.deb deb
exiftool() { PERL5LIB=deb/usr/share/perl5 deb/usr/bin/exiftool "$@"; }
echo "exiftool $(exiftool -ver)"
exiftool -q -PersonInImage=1.10 -PersonInImage=1e5 -PersonInImage=true -PersonInImage=007 -PersonInImage=Ann \
  '-RegionInfo={RegionList=[{Name=1.10,Type=Face},{Name=1.1,Type=Face}]}' faces.xmp
grep -q '<rdf:li>1.10</rdf:li>' faces.xmp
exiftool -j -struct -PersonInImage -RegionInfo faces.xmp > faces.json
cat faces.json
python3 - <<'END'
import json

photo = json.load(open("faces.json"))[0]
people = photo["PersonInImage"]
regions = [region["Name"] for region in photo["RegionInfo"]["RegionList"]]
print(people, regions)
assert people == [1.1, 100000.0, True, "007", "Ann"] and people[2] is True, "names are strings now"
assert regions[0] == regions[1] == 1.1, "the people 1.10 and 1.1 are told apart now"
END
