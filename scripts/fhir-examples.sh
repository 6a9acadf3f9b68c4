#!/bin/sh
# Fetches the official FHIR R4 examples (npm hl7.fhir.r4.examples, CC0) into .cache/fhir-examples,
# unless they are there, and prints the folder that holds them.
set -eu
cd "$(dirname "$0")/.."
package=hl7.fhir.r4.examples@4.0.1
dir=.cache/fhir-examples
if [ ! -f "$dir/package/package.json" ]; then
	mkdir -p "$dir"
	tmp=$(mktemp -d "$dir/fetch.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	(cd "$tmp" && npm pack --silent "$package" >/dev/null && tar xzf ./*.tgz)
	# Another run may have been faster; its copy is as good.
	mv "$tmp/package" "$dir/package" 2>/dev/null || [ -f "$dir/package/package.json" ]
fi
echo "$PWD/$dir/package"
