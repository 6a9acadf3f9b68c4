#!/bin/sh
# Builds MinIO, the S3 server that the tests of backups speak to, into .cache/minio unless it is there, and
# prints its path. It comes from the Go module proxy at a fixed version, whose sum the Go toolchain holds
# against the checksum database; MinIO itself publishes no other packages. The first build takes some three
# minutes on two processors. When several call at once, one builds and the others wait.
set -eu
cd "$(dirname "$0")/.."
version=v0.0.0-20260212201848-7aac2a2c5b7c
dir=.cache/minio/$version
mkdir -p .cache/minio
exec 9>.cache/minio/lock
flock 9
if [ ! -x "$dir/minio" ]; then
	tmp=$(mktemp -d .cache/minio/build.XXXXXX)
	trap 'rm -rf "$tmp"' EXIT
	# not with this project's settings: MinIO is held to its own
	env -u GOFIPS140 -u GOFLAGS CGO_ENABLED=0 GOBIN="$PWD/$tmp" go install -trimpath -ldflags "-s -w" "github.com/minio/minio@$version" 9>&- >&2
	mkdir -p "$dir"
	mv "$tmp/minio" "$dir/minio"
fi
echo "$PWD/$dir/minio"
