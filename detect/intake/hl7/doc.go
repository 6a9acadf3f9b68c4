// Package hl7 reads HL7 version 2 messages as interface engines send them (ER7 encoding, chapter 2 of HL7 v2.5.1), by
// MLLP, and turns those of patient administration (ADT), scheduling (SIU) and orders (ORM, OMG) into relations and
// charts that detection knows patients and staff by.
//
// Invariant: nothing that a sender writes costs more than its own length, or stops another sender; and nothing that
// names a patient leaves but as a token of the Tokens that the caller gave.
package hl7
