#!/bin/sh
# Fetches GitHub's own description of its REST API (npm @octokit/openapi, MIT; for tests alone) into
# .cache/github-api, unless it is there, and prints the file.
set -eu
cd "$(dirname "$0")/.."
package=@octokit/openapi@23.0.2
file=.cache/github-api/23.0.2.json
if [ ! -f "$file" ]; then
	mkdir -p .cache/github-api
	tmp=$(mktemp -d .cache/github-api/fetch.XXXXXX)
	trap 'rm -rf "$tmp"' EXIT
	(cd "$tmp" && npm pack --silent "$package" >/dev/null && tar xzf ./*.tgz package/generated/api.github.com.json)
	mv "$tmp/package/generated/api.github.com.json" "$file"
fi
echo "$PWD/$file"
