// Package sample invents patients for a system that has none yet: a clinic's charts over
// several years, so that a newcomer finds something worth looking at.
//
// Invariant: nobody in it exists, and the same number and seed give the same bytes. Social
// security numbers lie in a range that is never issued (999), telephone numbers in the one
// kept for fiction (555-01xx), NPIs and towns are made up. Codes are real: LOINC, SNOMED
// CT, RxNorm, CVX and UCUM, each with a display of its code system.
//
// Nouns. A person is who the patient is, before any visit. A chart is the transaction
// Bundle as it grows, visit by visit. What many patients share (practitioners,
// organisations) is created once, by ifNoneExist on its identifier.
package sample
