// Package atna reads audit messages as IHE's Audit Trail and Node Authentication has systems send them: DICOM PS3.15,
// section A.5, and the older form of RFC 3881.
//
// Invariant: a message becomes one event, or an error that quotes nothing of it. What names a patient leaves as a token.
package atna
