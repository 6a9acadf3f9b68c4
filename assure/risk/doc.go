// Package risk is the register of what may happen to patients and to their data, and of what is done about it (45 CFR
// 164.308(a)(1)(ii)(A) and (B)).
//
// Its invariant: what is left of a risk after its treatment is somebody's, is looked at again by a date, and where it is high
// a second person has agreed to live with it. Each change is a revision that the ledger names.
package risk
