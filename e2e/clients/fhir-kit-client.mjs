// fhir-kit-client as a backend service: it reads the server's metadata, gets a token and works.
import assert from "node:assert/strict";
import { Client } from "fhir-kit-client";
import * as openid from "openid-client";
import { finish, given, imported, step } from "./dialog.mjs";

const { issuer, fhir, service } = given;
const client = new Client({ baseUrl: fhir });

await step("metadata", async () => {
  const statement = await client.capabilityStatement();
  assert.equal(statement.resourceType, "CapabilityStatement");
  assert.equal(statement.fhirVersion, "4.0.1");
});

// smartAuthMetadata asks three places at once and believes the first answer, so each is read alone too.
await step("SMART metadata", async () => {
  const { rest } = await client.capabilityStatement();
  const declared = rest[0].security.extension.find((e) => e.url.endsWith("/oauth-uris")).extension;
  assert.equal(declared.find((e) => e.url === "authorize").valueUri, `${issuer}/oauth2/authorize`);
  assert.equal(declared.find((e) => e.url === "token").valueUri, `${issuer}/oauth2/token`);
  const { authorizeUrl, tokenUrl } = await client.smartAuthMetadata();
  assert.equal(String(authorizeUrl), `${issuer}/oauth2/authorize`);
  assert.equal(String(tokenUrl), `${issuer}/oauth2/token`);
});

const refused = (status) => (error) => error.response?.status === status || error.status === status;

await step("nothing without a token", () => assert.rejects(client.search({ resourceType: "Patient" }), refused(401)));

await step("backend services", async () => {
  const own = await openid.discovery(new URL(issuer), service.id, {}, openid.PrivateKeyJwt({ key: await imported(service.key), kid: service.key.kid }));
  client.bearerToken = (await openid.clientCredentialsGrant(own, { scope: "system/*.cruds" })).access_token;
});

const patient = await step("create and read", async () => {
  const made = await client.create({ resourceType: "Patient", body: { resourceType: "Patient", name: [{ family: "Kit" }], birthDate: "1980-02-29" } });
  assert.deepEqual(await client.read({ resourceType: "Patient", id: made.id }), made);
  return made;
});

await step("update, and each version", async () => {
  const changed = await client.update({ resourceType: "Patient", id: patient.id, body: { ...patient, active: true } });
  assert.equal(changed.active, true);
  assert.notEqual(changed.meta.versionId, patient.meta.versionId);
  const first = await client.vread({ resourceType: "Patient", id: patient.id, version: patient.meta.versionId });
  assert.equal(first.active, undefined);
  assert.equal((await client.history({ resourceType: "Patient", id: patient.id })).entry.length, 2);
});

const observation = (i) => ({
  resourceType: "Observation", status: "final", code: { coding: [{ system: "http://loinc.org", code: "8867-4" }] },
  subject: { reference: `Patient/${patient.id}` }, valueQuantity: { value: 60 + i, unit: "/min", system: "http://unitsofmeasure.org", code: "/min" },
});

await step("transaction", async () => {
  const entry = Array.from({ length: 7 }, (_, i) => ({ resource: observation(i), request: { method: "POST", url: "Observation" } }));
  const bundle = await client.transaction({ body: { resourceType: "Bundle", type: "transaction", entry } });
  assert.deepEqual(bundle.entry.map((e) => e.response.status.slice(0, 3)), Array(7).fill("201"));
});

await step("batch", async () => {
  const entry = [{ request: { method: "GET", url: `Patient/${patient.id}` } }, { request: { method: "GET", url: "Patient/nobody" } }];
  const bundle = await client.batch({ body: { resourceType: "Bundle", type: "batch", entry } });
  assert.deepEqual(bundle.entry.map((e) => e.response.status.slice(0, 3)), ["200", "404"]);
});

await step("search with pages, forth and back to the end", async () => {
  let page = await client.search({ resourceType: "Observation", searchParams: { patient: patient.id, code: "8867-4", _count: "3" } });
  const values = [];
  for (let pages = 0; page; pages++) {
    assert.ok(pages < 4);
    values.push(...page.entry.map((e) => e.resource.valueQuantity.value));
    page = await client.nextPage({ bundle: page });
  }
  assert.deepEqual(values.toSorted(), [60, 61, 62, 63, 64, 65, 66]);
});

await step("delete", async () => {
  const one = await client.create({ resourceType: "Observation", body: observation(99) });
  await client.delete({ resourceType: "Observation", id: one.id });
  await assert.rejects(client.read({ resourceType: "Observation", id: one.id }), refused(410));
});

finish();
