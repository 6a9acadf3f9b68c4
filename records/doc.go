// Package records is the patient record: the only package that holds a key and a row at once.
//
// Invariant: nothing that says anything about a patient lies in the store outside a seal,
// and nothing that was sealed leaves without a Grant that admits it.
//
// Nouns. A row of versions is one sealed version of one resource. A locator is the keyed
// hash that stands for type and id; a bucket says whose key a row lies under. A term is a
// 64-bit keyed token in the blind index; terms only narrow a search, since every candidate
// is opened and matched again on plaintext. A slot is one of the two term tables: the index
// is rebuilt into the idle one and then switched over.
package records
