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
find "$work/samples" -name '*.json' | sort > "$work/list"
# Segments of 1,200 bytes, about a resource each, measured best of 200 to 2,000.
zstd -q --train-fastcover=k=1200,d=8,split=100 --filelist "$work/list" \
	--maxdict=114688 --dictID="$version" -f -o "records/pack/dict/v$version.dict"
ls -l "records/pack/dict/v$version.dict"
