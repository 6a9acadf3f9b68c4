// Package federation logs people in who prove themselves to an outside OpenID provider: the relying
// party of OpenID Connect Core 1.0, by the code flow with PKCE.
//
// Invariant: an identity.Outside comes of an answer that this browser asked this provider for, once,
// and of an id_token that the provider signed for us in answer to it. What it may do here is decided
// by package identity alone.
//
// Nouns. A Flow is a login on its way: sealed in a cookie, so that it belongs to one browser and
// costs no row. Metadata is what a provider publishes about itself, fetched when it is needed, from
// nowhere but where the issuer that an administrator configured leads. A provider that cannot be
// reached stops nobody from signing in here.
package federation
