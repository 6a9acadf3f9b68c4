// Package consent reads FHIR R4 Consent resources as decisions: may this caller have this data of this
// patient, for this purpose, now? It does no I/O and keeps no state.
//
// Invariant: what is not understood never opens anything. A denial counts unless it surely does not fit
// the Question; a permit counts only if it surely does. So a fact that nobody looked up (a nil list in the
// Question), a code, reference or modifier extension that is not known, a base policy that is a text:
// each makes the narrower reading.
//
// Nouns. A Directive is a Consent, parsed once. A Question is who asks for what. A Regime is what holds
// where no consent says anything. A Verdict is the answer, and names the Consent that decided.
//
// # How a Consent is read
//
// Only an active Consent counts, within the period of its first provision and for its own patient. Scope
// patient-privacy speaks of every purpose, scope research of research alone, advance directives and
// consents to a treatment of none; of another scope, denials alone count. A permit whose verification is
// recorded and failed does not count.
//
// Nested provisions are exceptions to their parent. One within another beats it; among siblings, and
// among Consents, denial beats permit. A newer Consent does not end an older one: revoking does. A permit
// that holds further permits gives only what those give. A permit that names no purpose covers treatment,
// payment and health care operations (45 CFR 164.506), as authorizations for others must name theirs
// (164.508).
//
// The base policy (policyRule) is the rule of which the first provision is an exception. R4 says both that
// the first provision has no type and that it may add or remove permissions, and its own examples write
// "not this nurse" like "this nurse". Hence:
//
//   - OPTOUT denies everything but what a provision of type permit gives. So does a base policy that is
//     not known. EMRGONLY is OPTOUT with a permit for emergency treatment.
//   - OPTIN permits what no provision denies.
//   - A first provision with a type is an exception like any other; of type permit below OPTIN, it is all
//     that is permitted.
//   - Without a type, and with provisions below, its conditions bound what is permitted.
//   - Without a type, with conditions, and with none below, nobody can tell whether it gives or takes: who
//     and what it names is denied, and it permits nothing.
//   - A nested provision without a type denies.
//
// A security label of confidentiality in a permit is a high-water mark (N admits N, M, L, U); in a denial it
// is a low-water mark (R withholds R and V): whoever withholds what is restricted does not mean to give
// what is more so. Other labels, and purposes, cover the codes below them.
package consent
