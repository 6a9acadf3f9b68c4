// Package tracker keeps findings, and the steps of incidents, in step with tickets where others work: GitHub Issues
// and Jira.
//
// Invariant: what a tracker is to be told lies in the outbox, in the transaction that wrote it there, until the
// tracker has it; a ticket that an attempt may have made is looked for by its marker before another is made. What
// somebody does to a ticket there changes nothing here: it is a Proposal, in the ledger and in the list, until
// somebody judges the finding or does the step here, or declines it. A callback says only that a ticket is worth a
// look: what its state is, is asked of the tracker itself, at the address that was configured.
//
// Nouns. A Ticket is one finding, or one step of an incident, in one tracker. Here, Told and There are its state with
// us, as both were when they last agreed, and with the tracker: who differs from Told has moved.
package tracker
