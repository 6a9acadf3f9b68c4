// Package oscal writes what is asked and how it is known as NIST's Open Security Controls Assessment Language, version
// 1.1.3, in JSON, and reads catalogs in it.
//
// Its invariant: a document that is written from a catalogue reads back as the same catalogue, and a control's id is the
// same in all documents. What the language has no word for is a property in our namespace.
//
// Nouns are the language's: catalog, component-definition, assessment-results, plan-of-action-and-milestones.
package oscal
