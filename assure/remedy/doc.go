// Package remedy follows gaps until they are closed: checks that fail, and what penetration tests and audits found.
//
// A gap opens by itself and closes by itself: when the check passes, or when a later run of the same test does not find it
// again. Nobody closes one by hand; that a test was wrong takes two people. Who sees to a gap, and until when, is an item of
// the register, and so is how everything stood on each day.
package remedy
