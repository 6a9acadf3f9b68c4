#!/bin/sh
# Fetches axe-core (npm axe-core, MPL-2.0; for tests alone) into .cache/axe-core, unless it is
# there, and prints the file to run in a page.
set -eu
cd "$(dirname "$0")/.."
package=axe-core@4.14.1
dir=.cache/axe-core
if [ ! -f "$dir/package/axe.min.js" ]; then
	mkdir -p "$dir"
	tmp=$(mktemp -d "$dir/fetch.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	(cd "$tmp" && npm pack --silent "$package" >/dev/null && tar xzf ./*.tgz)
	# Another run may have been faster; its copy is as good.
	mv "$tmp/package" "$dir/package" 2>/dev/null || [ -f "$dir/package/axe.min.js" ]
fi
echo "$PWD/$dir/package/axe.min.js"
