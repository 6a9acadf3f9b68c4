// Completes the forms of passkeys: asks this server for a challenge, the authenticator for an
// answer, and submits the form with it. Forms stay hidden where there are no passkeys.

const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

const toText = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const named = (list) => (list ?? []).map((c) => ({ ...c, id: toBytes(c.id) }));

// options turns the server's JSON into what the browser takes (WebAuthn Level 3, 5.1.8 and 5.1.9).
const options = ({ publicKey: o }) => ({
  ...o,
  challenge: toBytes(o.challenge),
  ...(o.user && { user: { ...o.user, id: toBytes(o.user.id) } }),
  ...(o.excludeCredentials && { excludeCredentials: named(o.excludeCredentials) }),
  ...(o.allowCredentials && { allowCredentials: named(o.allowCredentials) }),
});

// answer turns a credential into the JSON that the server reads (WebAuthn Level 3, 5.1, toJSON).
const answer = (c) => {
  const r = c.response;
  const response = { clientDataJSON: toText(r.clientDataJSON) };
  for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (r[part]) response[part] = toText(r[part]);
  }
  if (r.getTransports) response.transports = r.getTransports();
  return {
    id: c.id, rawId: toText(c.rawId), type: c.type, response,
    authenticatorAttachment: c.authenticatorAttachment ?? undefined,
    clientExtensionResults: c.getClientExtensionResults(),
  };
};

// why says in words what went wrong; the browser's own texts are not meant for people.
const why = (error) => {
  switch (error.name) {
    case "NotAllowedError": return "It was cancelled, took too long, or this device holds no passkey for this account.";
    case "InvalidStateError": return "This device holds a passkey of this account already.";
    case "Refused": return error.message;
    default: return "The passkey could not be used. Try again, or use another way.";
  }
};

const refused = (text) => Object.assign(new Error(text), { name: "Refused" });

const challenge = async (form) => {
  const sent = await fetch(form.dataset.options, {
    method: "POST", credentials: "same-origin", redirect: "error",
    body: new URLSearchParams({ csrf: form.elements.csrf.value }),
  });
  const body = await sent.json().catch(() => ({}));
  if (!sent.ok) throw refused(body.detail ?? "The server refused. Reload the page and try again.");
  return options(body);
};

const complete = async (form) => {
  const publicKey = await challenge(form);
  const credential = form.dataset.passkey === "create"
    ? await navigator.credentials.create({ publicKey })
    : await navigator.credentials.get({ publicKey });
  form.elements.response.value = JSON.stringify(answer(credential));
  form.submit();
};

const ready = (form) => {
  const button = form.querySelector("button");
  const alert = form.querySelector("[role=alert]");
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    alert.hidden = true;
    try {
      await complete(form);
    } catch (error) {
      alert.textContent = why(error);
      alert.hidden = false;
      button.disabled = false;
      button.focus();
    }
  });
};

if (window.PublicKeyCredential) document.querySelectorAll("form[data-passkey]").forEach(ready);
