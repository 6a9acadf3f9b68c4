// Package duty says whom a breach must be told to, and until when. It is pure: facts in, duties out.
//
// Invariant: a last day is a day of a calendar, in a named time zone, and is over when the next one begins there. Only
// periods that a law states in hours are counted in hours. What was not read in an official text is marked unverified.
package duty
