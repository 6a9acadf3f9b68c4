#!/bin/sh
# Trains the compression dictionary of stored resources (see records/pack/doc.go).
#   scripts/dictionary.sh SYNTHEA_FOLDER VERSION
# needs the zstd command (Debian: zstd). A version that has been released MUST NOT be
# trained again: rows name the version that they were packed under.
set -eu
synthea=$1 version=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/samples"
go run ./records/pack/train -synthea "$synthea" -patients 30 -out "$work/samples"
zstd -q --train -r "$work/samples" --maxdict=114688 --dictID="$version" \
	-o "records/pack/dict/v$version.dict"
ls -l "records/pack/dict/v$version.dict"
