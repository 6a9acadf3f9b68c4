// Package review has an organisation look at itself on a cadence: who may come in, who tried to, how the system is set
// up, what its policies say, what the law says, and what was found in its software.
//
// A round is prefilled from the running system. It ends when a person has decided each item and what was decided is
// carried out; from then on the next one is due. Nobody decides about his own account. What is to be done later is a
// follow-up with an owner and a day. Plans, rounds and follow-ups are items of the register.
package review
