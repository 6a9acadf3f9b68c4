// Package trial sees whether the scanners of a build still find what they are there to find.
//
// Invariant: what is planted lies in a folder of the trial's own, which is gone afterwards; secrets in it are
// drawn at random and open nothing. Beside each fault stands its sound twin, in which nothing may be found: a
// scanner that cries at everything is as blind as one that never does.
package trial
