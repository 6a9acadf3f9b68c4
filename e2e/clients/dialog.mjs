// What every client script shares: the test writes a line of JSON with what the script works with,
// the script says line by line what it did, and asks the test to go somewhere as a person would.
import { createInterface } from "node:readline";

const input = createInterface({ input: process.stdin });
const lines = input[Symbol.asyncIterator]();
const hear = async () => JSON.parse((await lines.next()).value);
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

// given is what the test said first.
export const given = await hear();

// visit has the person go to an address, agree to what is asked, and tells where that ended.
export const visit = async (url) => {
  say({ visit: String(url) });
  return new URL((await hear()).landed);
};

// logoutToken waits for the token by which the server tells the application of a logout.
export const logoutToken = async () => {
  say({ wait: "logout" });
  return (await hear()).token;
};

// step does one thing that the test expects, or ends the script with what went wrong.
export const step = async (name, f) => {
  try {
    const result = await f();
    say({ did: name });
    return result;
  } catch (error) {
    console.error(`${name}:`, error);
    process.exit(1);
  }
};

export const finish = () => input.close();

// imported reads a private JWK for signing with an algorithm of JOSE.
export const imported = (jwk) => {
  const algorithm = jwk.kty === "RSA" ? { name: "RSASSA-PKCS1-v1_5", hash: "SHA-384" } : { name: "ECDSA", namedCurve: "P-384" };
  return crypto.subtle.importKey("jwk", jwk, algorithm, false, ["sign"]);
};
