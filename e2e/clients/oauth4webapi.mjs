// oauth4webapi as a public application, as one with a key, and as a resource server.
import assert from "node:assert/strict";
import * as oauth from "oauth4webapi";
import { finish, given, imported, step, visit } from "./dialog.mjs";

const { issuer, fhir, app, keyed, service } = given;

const server = await step("discovery by both documents", async () => {
  const [openid, plain] = await Promise.all(["oidc", "oauth2"].map(async (algorithm) =>
    oauth.processDiscoveryResponse(new URL(issuer), await oauth.discoveryRequest(new URL(issuer), { algorithm }))));
  assert.deepEqual(openid, plain);
  return openid;
});

// flow runs the code flow, verifying the id_token's signature, claims, nonce and age.
const flow = async (who, auth, scope, more = {}) => {
  const client = { client_id: who.id };
  const verifier = oauth.generateRandomCodeVerifier(), state = oauth.generateRandomState(), nonce = oauth.generateRandomNonce();
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: who.id, redirect_uri: who.redirect, response_type: "code", scope, state, nonce, aud: fhir, max_age: "3600",
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256", ...more,
  });
  const answer = oauth.validateAuthResponse(server, client, await visit(url), state);
  const redeem = () => oauth.authorizationCodeGrantRequest(server, client, auth, answer, who.redirect, verifier);
  const response = await redeem();
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, { expectedNonce: nonce, maxAge: 3600, requireIdToken: true });
  await oauth.validateApplicationLevelSignature(server, response);
  return { client, tokens, claims: oauth.getValidatedIdTokenClaims(tokens), redeem, nonce };
};

const mine = await step("code flow of a public application", async () => {
  const got = await flow(app, oauth.None(), "openid fhirUser online_access user/Observation.rs");
  assert.equal(got.claims.fhirUser, `${fhir}/${given.fhirUser}`);
  assert.ok(got.tokens.expires_in > 3500 && got.tokens.expires_in <= 3600);
  return got;
});

const keyOf = async (who) => oauth.PrivateKeyJwt({ key: await imported(who.key), kid: who.key.kid });

await step("code flow of an application that proves a key", async () => {
  const got = await flow(keyed, await keyOf(keyed), "openid user/Patient.rs");
  const unproved = await oauth.refreshTokenGrantRequest(server, got.client, oauth.None(), "tur_x");
  await assert.rejects(oauth.processRefreshTokenResponse(server, got.client, unproved), { code: "OAUTH_WWW_AUTHENTICATE_CHALLENGE" });
});

await step("a code that comes twice ends what came of it", async () => {
  const got = await flow(app, oauth.None(), "openid offline_access user/Observation.rs");
  await assert.rejects(oauth.processAuthorizationCodeResponse(server, got.client, await got.redeem(), { expectedNonce: got.nonce }), { error: "invalid_grant" });
  const again = await oauth.refreshTokenGrantRequest(server, got.client, oauth.None(), got.tokens.refresh_token);
  await assert.rejects(oauth.processRefreshTokenResponse(server, got.client, again), { error: "invalid_grant" });
});

await step("userinfo of the right subject", async () => {
  const ask = () => oauth.userInfoRequest(server, mine.client, mine.tokens.access_token);
  const info = await oauth.processUserInfoResponse(server, mine.client, mine.claims.sub, await ask());
  assert.equal(info.fhirUser, `${fhir}/${given.fhirUser}`);
  assert.equal(info.preferred_username, undefined); // profile was not granted
  await assert.rejects(async () => oauth.processUserInfoResponse(server, mine.client, "another", await ask()));
});

const refreshed = await step("refresh", async () => {
  const response = await oauth.refreshTokenGrantRequest(server, mine.client, oauth.None(), mine.tokens.refresh_token);
  const tokens = await oauth.processRefreshTokenResponse(server, mine.client, response);
  assert.equal(oauth.getValidatedIdTokenClaims(tokens).sub, mine.claims.sub);
  return tokens;
});

// look asks as a resource server does, which is a service with a key.
const look = async (token) => {
  const client = { client_id: service.id };
  return oauth.processIntrospectionResponse(server, client, await oauth.introspectionRequest(server, client, await keyOf(service), token));
};

await step("introspection by a resource server", async () => {
  const seen = await look(refreshed.access_token);
  assert.equal(seen.active, true);
  assert.equal(seen.sub, mine.claims.sub);
  assert.equal(seen.aud, fhir);
  assert.equal(seen.scope, mine.tokens.scope);
});

await step("revocation", async () => {
  await oauth.processRevocationResponse(await oauth.revocationRequest(server, mine.client, oauth.None(), refreshed.refresh_token));
  assert.deepEqual(await look(refreshed.access_token), { active: false });
});

await step("client credentials under a key", async () => {
  const client = { client_id: service.id };
  const ask = async (auth, scope) => oauth.processClientCredentialsResponse(server, client,
    await oauth.clientCredentialsGrantRequest(server, client, auth, new URLSearchParams({ scope })));
  assert.equal((await ask(await keyOf(service), "system/Patient.rs")).scope, "system/Patient.rs");
  await assert.rejects(ask(await keyOf(service), "user/Patient.rs"), { error: "invalid_scope" });
  await assert.rejects(ask(oauth.None(), "system/Patient.rs"), { code: "OAUTH_WWW_AUTHENTICATE_CHALLENGE" });
});

finish();
