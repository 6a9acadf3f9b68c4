// Package deid takes out of a FHIR resource what tells who somebody is, as a pure function over the
// parsed resource: no I/O, and the time is a parameter.
//
// Its invariant: what it does not know does not pass. What passes is listed by the FHIR type of an element
// (booleans, bound codes, quantities, codes of published systems, years), and all else is removed: strings,
// narratives, identifiers, names, contacts, URLs, attachments, extensions.
//
// There are two modes. SafeHarbor removes the 18 identifiers of 45 CFR 164.514(b)(2): of dates the year
// remains. Pseudonyms (GDPR Article 4(5)) removes the same, but moves all dates of a patient by one secret
// number of days, so that the time between them remains. In both, ids and references are replaced by
// pseudonyms that are the same everywhere in one mode, so that resources can be joined.
//
// The nouns:
//
//   - Deidentifier: the function, with its keys.
//   - Mode: what it does about dates, and whose pseudonyms it gives.
//   - pseudonym: a locator under a block cipher, with the resource type in it; it is opened without a table.
package deid

//go:generate go run -C ../.. ./privacy/deid/gen
