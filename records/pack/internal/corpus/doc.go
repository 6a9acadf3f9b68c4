// Package corpus prepares FHIR resources for training and measuring a dictionary.
//
// Invariant: what Scrub returns has the structure and vocabulary of what it got, and no
// name, address, telephone number, identifier, id, date, measured number or narrative.
//
// Nouns. A Bundle is a transaction as clients send it. Its stored form is each resource
// as the server keeps it: references resolved, meta filled. Scrubbing is done per Bundle,
// so that what was equal stays equal.
package corpus
