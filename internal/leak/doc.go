// Package leak looks for values in places where they must not be, in every form in which
// software commonly writes text down.
package leak
