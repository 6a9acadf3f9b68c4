// Package intake is what readers of other systems' messages share: how a patient is called there, and what he becomes
// here. A reader each is in the packages below: hl7, atna, syslog.
//
// Invariant: what names a patient passes through Tokens before anything else sees it.
package intake
