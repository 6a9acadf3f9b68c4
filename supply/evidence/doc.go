// Package evidence takes what pipelines found out into the ledger, and keeps what software is made of.
//
// Invariant: nothing is evidence that a registered pipeline's own key did not sign, of the one repository
// that it was registered for, and nothing is so twice. What could not be checked is never a pass.
//
// Nouns. A Pipeline is a client of the identity plane that may report, and nothing else. A Report is one
// signed statement that came in. A Bill is a bill of materials that came so, kept to be held against
// advisories that are not known yet.
package evidence
