// Proves in the browser that an entry is in the ledger: from the entry's bytes and the hashes of its proof follows the root
// of the tree (RFC 9162, 2.1.3.2), which the checkpoint's signature vouches for (C2SP tlog-proof, tlog-checkpoint, signed-note).

const subtle = globalThis.crypto?.subtle;
const encoder = new TextEncoder();

const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);

const hash = async (...parts) => {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    all.set(p, at);
    at += p.length;
  }
  return new Uint8Array(await subtle.digest("SHA-256", all));
};

// parse takes a proof apart: the entry, its index, the hashes, and the note of the checkpoint.
const parse = (text) => {
  const split = text.indexOf("\n\n");
  const [head, extra, index, ...hashes] = text.slice(0, split).split("\n");
  if (split < 0 || head !== "c2sp.org/tlog-proof@v1" || !extra?.startsWith("extra ") || !/^index [0-9]{1,15}$/.test(index ?? "")) {
    throw new Error("the proof is of no known form");
  }
  const note = text.slice(split + 2);
  const end = note.indexOf("\n\n");
  const signed = note.slice(0, end + 1);
  const [origin, size, root] = signed.split("\n");
  if (end < 0 || !/^[0-9]{1,15}$/.test(size ?? "")) {
    throw new Error("the checkpoint is of no known form");
  }
  const signatures = note.slice(end + 2).split("\n").filter((line) => line.startsWith("\u2014 "));
  return { entry: bytes(extra.slice(6)), index: Number(index.slice(6)), hashes: hashes.map(bytes), signed, origin, size: Number(size), root: bytes(root), signatures };
};

// rootOf folds the hashes onto the entry's.
const rootOf = async (p) => {
  let fn = p.index;
  let sn = p.size - 1;
  let r = await hash(Uint8Array.of(0), p.entry);
  if (fn > sn) {
    throw new Error("the entry is beyond the checkpoint's tree");
  }
  for (const h of p.hashes) {
    if (sn === 0) {
      throw new Error("the proof has too many hashes");
    }
    if (fn % 2 === 1 || fn === sn) {
      r = await hash(Uint8Array.of(1), h, r);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = Math.floor(sn / 2);
      }
    } else {
      r = await hash(Uint8Array.of(1), r, h);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  if (sn !== 0) {
    throw new Error("the proof has too few hashes");
  }
  return r;
};

// signedBy finds the verifier key that signed the checkpoint.
const signedBy = async (p, keys) => {
  for (const line of keys.split("\n").filter(Boolean)) {
    const [name, id, ...rest] = line.split("+");
    const key = bytes(rest.join("+"));
    if (name !== p.origin || key[0] !== 1 || key.length !== 33) {
      continue;
    }
    const public_ = await subtle.importKey("raw", key.slice(1), { name: "Ed25519" }, false, ["verify"]);
    for (const s of p.signatures) {
      const [by, text] = s.slice(2).split(" ");
      const signature = bytes(text ?? "");
      const hint = [...signature.slice(0, 4)].map((b) => b.toString(16).padStart(2, "0")).join("");
      if (by === name && hint === id && (await subtle.verify({ name: "Ed25519" }, public_, signature.slice(4), encoder.encode(p.signed)))) {
        return `${name}+${id}`;
      }
    }
  }
  throw new Error("none of the ledger's keys signed the checkpoint");
};

const prove = async (out, text) => {
  out.className = "";
  try {
    if (!subtle) {
      throw new Error("this browser has no cryptography here");
    }
    const p = parse(text);
    if (!same(await rootOf(p), p.root)) {
      throw new Error("the entry does not lead to the root of the signed tree");
    }
    const answer = await fetch(out.dataset.keys);
    const key = await signedBy(p, await answer.text());
    out.textContent = `Proved in this browser: entry ${p.index} is in the tree of ${p.size} entries that ${key} signed.`;
  } catch (e) {
    out.textContent = `Not proved in this browser: ${e.message}.`;
    out.className = "problem";
  }
};

const out = document.getElementById("verdict");
const text = document.getElementById("proof");
if (out && text) {
  const again = () => prove(out, text.textContent);
  text.addEventListener("prove", again);
  again();
}
