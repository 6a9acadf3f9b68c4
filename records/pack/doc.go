// Package pack turns a resource's compact JSON into the bytes that are sealed, and back.
//
// Invariant: Unpack(Pack(x)) is x, for every x and under every dictionary ever shipped.
//
// A packed value is one format byte, the body's length as an unsigned varint, the body,
// and zero bytes up to the next length class:
//
//	format   1 byte    1 … 254: a zstd frame (RFC 8878) under the dictionary of that version;
//	                   255: the JSON as it is, because it did not shrink; 0: never valid
//	length   uvarint   of the body in bytes
//	body     length
//	padding  zeros     up to Class(bytes so far)
//
// # What the length tells
//
// A seal hides content, not length, so whoever reads the rows learns each packed length.
// Classes blur it: steps of 16 bytes up to 256, of 32 up to 1 KiB, and of a sixteenth of
// the next lower power of two from there (3 to 6 %). Twelve classes or so span what
// ordinary observations pack to, which leaves the type of a resource guessable and the
// value inside it not. A series of versions of one resource shows when its class changes.
//
// # Dictionaries
//
// dict/v1.dict is embedded and stays for ever, since rows name the version that they
// were packed under; a better one is added beside it. It is trained by
// scripts/dictionary.sh with the zstd command's trainer, on synthetic data only: patients
// of internal/sample, and every second patient (by file name) of the Synthea sample that
// smart-on-fhir/generated-sample-data publishes under Apache-2.0; the other half measures.
// Before training every name, address, telephone number, identifier, id, date, measured
// number and narrative is replaced by a random one of the same form, so that a dictionary
// holds vocabulary and structure (element names, systems, codes, displays) and no value
// of anybody, invented people included. TestDictionaryHoldsNoValueOfAnyPatient holds it.
package pack
