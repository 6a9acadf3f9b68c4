// An OpenID provider on a free loopback port: the npm package oidc-provider, with people who need no
// password, and clients that register themselves. Its one argument is JSON:
//   {"people": {"anna": {"claims": {...}, "acr": "...", "amr": [...]}}}
// It prints its issuer once it listens, and ends when its standard input does.
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const { people } = JSON.parse(process.argv[2]);
const server = createServer();
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const issuer = `http://127.0.0.1:${server.address().port}`;

const names = [...new Set(["sub", ...Object.values(people).flatMap((p) => Object.keys(p.claims))])];
const provider = new Provider(issuer, {
  claims: { openid: names, acr: null, amr: null, auth_time: null },
  conformIdTokenClaims: false,
  acrValues: [...new Set(Object.values(people).flatMap((p) => p.acr ?? []))],
  pkce: { required: () => true },
  clientAuthMethods: ["client_secret_basic", "client_secret_post", "private_key_jwt"],
  features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true }, registration: { enabled: true }, claimsParameter: { enabled: true } },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_ctx, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id].claims }) },
});
provider.on("server_error", (_ctx, err) => console.error(err));

const page = `<!doctype html><html lang="en"><title>Provider</title><h1>Who are you?</h1>
<form method="post"><label for="login">Name</label><input id="login" name="login"><button id="go">Go on</button></form></html>`;

// interact asks for a name, once, and consents to everything.
async function interact(req, res) {
  const { prompt, params, grantId } = await provider.interactionDetails(req, res);
  if (prompt.name === "login" && req.method === "GET") {
    res.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(page);
    return;
  }
  if (prompt.name === "login") {
    let body = "";
    for await (const chunk of req) body += chunk;
    const who = new URLSearchParams(body).get("login");
    const { acr, amr } = people[who] ?? {};
    await provider.interactionFinished(req, res, people[who] ? { login: { accountId: who, acr, amr } } : { error: "access_denied" });
    return;
  }
  const { accountId } = (await provider.interactionDetails(req, res)).session;
  const grant = (grantId && (await provider.Grant.find(grantId))) || new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  await provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
}

const answer = provider.callback();
server.on("request", (req, res) => {
  if (req.url.startsWith("/interaction/")) {
    interact(req, res).catch((err) => res.writeHead(500).end(String(err)));
  } else {
    answer(req, res);
  }
});
process.stdin.resume().on("end", () => process.exit(0));
console.log(issuer);
