// Package policy keeps what an organisation has told its people to do: Markdown with a reason, an owner and a cycle,
// approved by somebody else than who wrote it, and acknowledged by everybody whom it concerns.
//
// What was approved does not change: each approved version is an item of the register of its own, and an acknowledgement
// names the digest of the text that was read. A policy names the checks that show that it is lived.
package policy
