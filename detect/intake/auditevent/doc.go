// Package auditevent reads FHIR R4 AuditEvent resources, as NDJSON: what audit record repositories export.
//
// Invariant: every record has an id, a time and as many identifiers as patients; what is wrong with a line is told in
// words that hold none of it.
package auditevent
