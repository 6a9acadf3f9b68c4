// Package vendor is the register of those who do work for the organisation: what data each gets, under which agreement, how
// well it answered a short questionnaire, and what it has yet to put right (45 CFR 164.308(b), 164.314(a); GDPR, Article 28).
//
// Its invariant: the date by which a vendor is assessed moves by an assessment alone, and the deadline of what is to be put
// right moves by nothing but a waiver, which has a reason. Each change is a revision that the ledger names; of many changes at
// once all are kept, or none.
//
// Nouns: a Vendor has Details, which are written, and Answers and Actions, which follow from assessments. An Assessment
// answers every question of the Questionnaire. A Sheet is either of them as CSV.
package vendor
