// openid-client as a web application's server with a secret, and as a service with a key.
import assert from "node:assert/strict";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as client from "openid-client";
import { finish, given, imported, logoutToken, step, visit } from "./dialog.mjs";

const { issuer, fhir, web, service } = given;
const scope = "openid profile fhirUser offline_access user/Patient.rs";

const config = await step("discovery", async () => {
  const config = await client.discovery(new URL(issuer), web.id, {}, client.ClientSecretBasic(web.secret));
  client.enableNonRepudiationChecks(config); // the signature counts, not TLS alone
  const server = config.serverMetadata();
  assert.equal(server.issuer, issuer);
  assert.ok(server.supportsPKCE("S256"));
  assert.equal(server.authorization_response_iss_parameter_supported, true);
  assert.equal(server.backchannel_logout_session_supported, true);
  return config;
});

// ask goes as far as the answer at the application's address.
const ask = async (more = {}) => {
  const checks = { pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState(), expectedNonce: client.randomNonce(), idTokenExpected: true };
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: web.redirect, scope, aud: fhir, state: checks.expectedState, nonce: checks.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: "S256", ...more,
  });
  return { landed: await visit(url), checks };
};

const flow = async (more) => {
  const { landed, checks } = await ask(more);
  return client.authorizationCodeGrant(config, landed, checks);
};

const tokens = await step("code flow with PKCE and a validated id_token", async () => {
  const tokens = await flow();
  const claims = tokens.claims();
  assert.equal(claims.iss, issuer);
  assert.equal(claims.preferred_username, given.username);
  assert.equal(claims.fhirUser, `${fhir}/${given.fhirUser}`);
  assert.ok(claims.sid && claims.auth_time && claims.amr.includes("mfa"));
  assert.equal(tokens.scope, scope);
  return tokens;
});

await step("an answer that names another issuer is not redeemed", async () => {
  const { landed, checks } = await ask();
  for (const iss of ["https://other.example", undefined]) {
    const mixed = new URL(landed);
    iss ? mixed.searchParams.set("iss", iss) : mixed.searchParams.delete("iss");
    await assert.rejects(client.authorizationCodeGrant(config, mixed, checks), { code: "OAUTH_INVALID_RESPONSE" });
  }
  await client.authorizationCodeGrant(config, landed, checks); // it was not spent
});

await step("a code counts with its verifier only", async () => {
  const { landed, checks } = await ask();
  checks.pkceCodeVerifier = client.randomPKCECodeVerifier();
  await assert.rejects(client.authorizationCodeGrant(config, landed, checks), { error: "invalid_grant" });
});

await step("userinfo", async () => {
  const info = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  assert.equal(info.preferred_username, given.username);
});

await step("the access token opens the FHIR API", async () => {
  const search = (token) => client.fetchProtectedResource(config, token, new URL(`${fhir}/Patient?_count=1`), "GET");
  assert.equal((await search(tokens.access_token)).status, 200);
  await assert.rejects(search(tokens.access_token + "x"), { code: "OAUTH_WWW_AUTHENTICATE_CHALLENGE" });
});

await step("introspection", async () => {
  const seen = await client.tokenIntrospection(config, tokens.access_token);
  assert.ok(seen.active);
  assert.equal(seen.client_id, web.id);
  assert.deepEqual(await client.tokenIntrospection(config, "tut_nothing"), { active: false });
});

const active = async (token) => (await client.tokenIntrospection(config, token)).active;

await step("refresh tokens rotate, and one that comes twice ends all", async () => {
  const next = await client.refreshTokenGrant(config, tokens.refresh_token);
  assert.notEqual(next.refresh_token, tokens.refresh_token);
  assert.equal(next.claims().sub, tokens.claims().sub);
  await assert.rejects(client.refreshTokenGrant(config, next.refresh_token, { scope: "user/*.cruds" }), { error: "invalid_scope" });
  await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), { error: "invalid_grant" });
  assert.equal(await active(next.access_token), false);
  await assert.rejects(client.refreshTokenGrant(config, next.refresh_token), { error: "invalid_grant" });
});

await step("revocation", async () => {
  const some = await flow();
  await client.tokenRevocation(config, some.refresh_token);
  assert.equal(await active(some.access_token), false);
  await client.tokenRevocation(config, "tut_nothing");
});

await step("errors come back to the application", async () => {
  for (const [more, error] of [[{ scope: "openid", prompt: "none", max_age: "0" }, "login_required"], [{ request: "e30.e30." }, "request_not_supported"]]) {
    const { landed, checks } = await ask(more);
    await assert.rejects(client.authorizationCodeGrant(config, landed, checks), { error });
  }
});

await step("a service proves its key and gets a token of its own", async () => {
  const own = await client.discovery(new URL(issuer), service.id, {}, client.PrivateKeyJwt({ key: await imported(service.key), kid: service.key.kid }));
  const got = await client.clientCredentialsGrant(own, { scope: "system/Patient.rs system/Claim.cruds" });
  assert.equal(got.scope, "system/Patient.rs");
  assert.ok(got.expires_in > 200 && got.expires_in <= 300);
  const wrong = await client.discovery(new URL(issuer), service.id, {}, client.PrivateKeyJwt({ key: await imported(service.wrong), kid: service.key.kid }));
  await assert.rejects(client.clientCredentialsGrant(wrong, { scope: "system/Patient.rs" }), { status: 401 });
});

await step("logout by the application, which is told of it", async () => {
  const last = await flow({ scope: "openid online_access user/Patient.rs" });
  const landed = await visit(client.buildEndSessionUrl(config, { post_logout_redirect_uri: web.bye, id_token_hint: last.id_token, state: "leaving" }));
  assert.equal(landed.href, `${web.bye}?state=leaving`);
  const { payload } = await jwtVerify(await logoutToken(), createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri)), {
    issuer, audience: web.id, typ: "logout+jwt", requiredClaims: ["iat", "exp", "jti", "sid", "sub", "events"],
  });
  assert.equal(payload.sid, last.claims().sid);
  assert.equal(payload.sub, last.claims().sub);
  assert.equal(payload.nonce, undefined);
  assert.deepEqual(payload.events, { "http://schemas.openid.net/event/backchannel-logout": {} });
  assert.equal(await active(last.access_token), false);
  await assert.rejects(client.refreshTokenGrant(config, last.refresh_token), { error: "invalid_grant" });
});

finish();
