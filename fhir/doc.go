// Package fhir is the FHIR R4 RESTful API over HTTP (http://hl7.org/fhir/R4/http.html).
//
// Invariant: no byte of a record leaves without a decision and a ledger receipt. Every
// interaction runs through do, which authorizes before and appends after, and writes the
// response last.
//
// Nouns. An interaction is one request on one resource or type; an answer is what goes back,
// held until its entry is durable.
package fhir
