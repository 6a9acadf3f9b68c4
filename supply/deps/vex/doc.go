// Package vex reads what a tree says of faults that do not concern it: OpenVEX and CycloneDX VEX, and
// the ignore files of osv-scanner and Trivy.
//
// The invariant: a Statement excuses one fault by its name, says which file it is from, and ends when that
// file says so. What it is worth is not decided here: the gate counts what it excuses until a waiver
// adopts the file.
package vex
