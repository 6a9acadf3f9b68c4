// Package awskms keeps generation keys in AWS Key Management Service.
//
// Invariant: one symmetric KMS key a generation, made there, of one Region, never imported; its number is
// never used again. What is wrapped is bound to its place by the encryption context.
//
// A key that is destroyed is scheduled for deletion: it opens nothing from then on, and can be brought back
// by whoever may until 7 to 30 days are over (ScheduleKeyDeletion, AWS KMS API Reference). So Destroy is an
// order, and Destruction says when it was carried out: only when KMS no longer knows the key.
//
// # How it lies in KMS
//
//	alias/PREFIX-000003                    the key of generation 3; the alias goes with its key
//	alias/PREFIX-000003-destroyed-KEYID    generation 3 was destroyed, and that was its key
//	alias/PREFIX-used-up-to-000002         no number up to 2 is used again; stands for the marks below it
//	alias/PREFIX-register                  a key that wraps nothing: what the marks point to
//
// An alias is made by one of those who ask for it, whoever they are: that settles who makes and who destroys a
// generation.
//
// Trusted: KMS, and whoever governs the account, who can take a key back or point an alias elsewhere.
package awskms
