// Answers authorization requests by Cedar's own implementation in Rust. Reads {schema, policies: {id: text},
// classes: [entity], requests: [{principal, action, resource, context, entities}]} from standard input and
// prints, in their order, an array of {allow, reasons, errors}.
import { readFileSync } from "node:fs";
import * as cedar from "@cedar-policy/cedar-wasm/nodejs";

const done = (answer) => {
  if (answer.type !== "success") throw new Error(JSON.stringify(answer.errors));
  return answer;
};

const batch = JSON.parse(readFileSync(0, "utf8"));
done(cedar.preparseSchema("schema", batch.schema));
done(cedar.preparsePolicySet("policies", { staticPolicies: batch.policies }));
const answers = batch.requests.map((r) => {
  const { response } = done(
    cedar.statefulIsAuthorized({
      principal: r.principal, action: r.action, resource: r.resource, context: r.context,
      preparsedSchemaName: "schema", validateRequest: true,
      preparsedPolicySetId: "policies", entities: [...batch.classes, ...r.entities],
    }),
  );
  return { allow: response.decision === "allow", reasons: response.diagnostics.reason.sort(), errors: response.diagnostics.errors.length };
});
process.stdout.write(JSON.stringify(answers));
