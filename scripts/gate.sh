#!/bin/sh
# Tutela's own gate, bill of materials and provenance, with the binary that was just built. The signing key
# is made for this run and thrown away: it shows that the parts fit, and vouches for nobody.
set -eu
cd "$(dirname "$0")/.."
tutela=bin/tutela
db=.cache/advisories
zips=""
blind="--may-be-blind deps"
osv=${TUTELA_TESTDATA:-/nonexistent}/osv
for ecosystem in Go npm; do
	if [ -f "$osv/$ecosystem/all.zip" ]; then zips="$zips $osv/$ecosystem/all.zip"; else missing="${missing:-} $ecosystem"; fi
done
if [ -n "$zips" ]; then
	# shellcheck disable=SC2086 # a list
	$tutela advisories import --db "$db" $zips
fi
if [ -z "${missing:-}" ]; then
	blind=""
else
	echo "could not check dependencies of:$missing (no advisories in \$TUTELA_TESTDATA/osv)"
fi
rm -f bin/run.key bin/run.key.pub
trap 'rm -f bin/run.key' EXIT
$tutela attest key bin/run.key
# shellcheck disable=SC2086 # a list of arguments, or none
$tutela gate . --db "$db" $blind --attest bin/gate.intoto.jsonl --key bin/run.key
$tutela scan . --only deps --db "$db" --format cyclonedx -o bin/tutela.cdx.json || [ $? -lt 3 ] # findings and missing advisories are the gate's affair
$tutela attest sbom bin/tutela.cdx.json bin/tutela --key bin/run.key -o bin/tutela.sbom.intoto.jsonl
$tutela attest provenance bin/tutela --key bin/run.key -o bin/tutela.provenance.intoto.jsonl
$tutela attest verify bin/gate.intoto.jsonl --key bin/run.key.pub --tree .
$tutela attest verify bin/tutela.sbom.intoto.jsonl --key bin/run.key.pub --artifact bin/tutela --type https://cyclonedx.org/bom
$tutela attest verify bin/tutela.provenance.intoto.jsonl --key bin/run.key.pub --artifact bin/tutela --type https://slsa.dev/provenance/v1
