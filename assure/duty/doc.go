// Package duty sees to it that what has to be done is done: it gathers what follows from risks, vendors, policies,
// training and reviews, reminds before a thing is due and when it is overdue, and escalates what nobody does.
//
// Each duty is told of once at each stage, whatever ends in between; what was told is an item of the register, which
// says afterwards how long a thing took.
package duty
