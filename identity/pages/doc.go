// Package pages is what people see of identity: signing in, enrolling, consenting, their own
// account, and the administration of users and applications.
//
// Invariant: a form is acted on only when it was drawn for this browser and this session, and
// came from this origin; a page names nothing that its reader may not know; nothing on a page
// runs, frames, loads or submits to what is not ours.
//
// Nouns. A visit is one request by one browser, with the session or the attempt at login that it
// proved. A page is a template and the few fields that it draws. Pages decide nothing: identity
// does, and they show its answer. Everything works without JavaScript, but for passkeys.
package pages
