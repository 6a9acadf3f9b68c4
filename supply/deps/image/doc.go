// Package image looks into container images: archives as docker save and skopeo write them, and OCI
// layouts (github.com/opencontainers/image-spec). It applies layers in memory, keeps the few files
// that the caller wants, and never writes or follows what is in them.
//
// The invariant: what an image unpacks to is bounded by what it is, and a layer that is missing or
// cannot be read is an error, never an image with fewer packages.
package image
