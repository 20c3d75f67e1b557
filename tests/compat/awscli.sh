#!/bin/sh
# Debian's awscli against `likeness serve --compat rekognition`; called by run.sh.
set -eu
AWS_ACCESS_KEY_ID=$(echo "$LIKENESS_KEY" | cut -d_ -f1,2)
AWS_SECRET_ACCESS_KEY=$(printf %s "$LIKENESS_KEY" | sha256sum | cut -d' ' -f1)
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_EC2_METADATA_DISABLED=true AWS_PAGER=
rekognition() { /usr/bin/aws --endpoint-url "http://127.0.0.1:$PORT" --region eu-west-1 rekognition "$@"; }
is() { [ "$1" = "$2" ] || { echo "awscli: $1 instead of $2"; exit 1; }; }

rekognition index-faces --collection-id people --external-image-id obama --max-faces 1 \
  --image-bytes "fileb://$SAMPLES/obama.jpg" >/dev/null
is "$(rekognition search-faces-by-image --collection-id people --image-bytes "fileb://$SAMPLES/obama3.jpg" \
  --query 'FaceMatches[0].Face.ExternalImageId' --output text)" obama
is "$(rekognition search-faces-by-image --collection-id people --image-bytes "fileb://$SAMPLES/biden.jpg" \
  --query 'length(FaceMatches)' --output text)" 0
# old_clients.py made both photos.
if rekognition search-faces-by-image --collection-id people --image-bytes "fileb://$WORK/no_face.png" 2>"$WORK/aws.log"; then exit 1; fi
grep -q InvalidParameterException "$WORK/aws.log"
is "$(rekognition detect-faces --image-bytes "fileb://$WORK/no_face.png" --query 'length(FaceDetails)' --output text)" 0
is "$(rekognition compare-faces --source-image-bytes "fileb://$SAMPLES/obama2.jpg" --target-image-bytes "fileb://$WORK/two_faces.jpg" \
  --query '[length(FaceMatches), length(UnmatchedFaces) >= `1`]' --output text)" "1	True"
rekognition delete-collection --collection-id people >/dev/null
is "$(rekognition list-faces --collection-id people --query 'length(Faces)' --output text)" 0
if AWS_SECRET_ACCESS_KEY=wrong rekognition list-faces --collection-id people 2>"$WORK/aws.log"; then exit 1; fi
grep -q InvalidSignatureException "$WORK/aws.log"
