package pipeline

import "github.com/tutela-health/tutela/supply"

// OWASP's Top 10 CI/CD Security Risks are cited by their ids, CICD-SEC-1 to 10.

func rule(id, name string, s supply.Severity, cwe, owasp, help string) supply.Rule {
	r := supply.Rule{ID: "ci." + id, Name: name, Help: help, Severity: s, OWASP: []string{owasp}}
	if cwe != "" {
		r.CWE = []string{cwe}
	}
	return r
}

func unpinned() supply.Rule {
	return rule("unpinned", "Code of others without a fixed version", supply.Medium, "CWE-829", "CICD-SEC-3",
		"Whoever controls the name changes what runs here, with your credentials. Name an action by its full commit, an image by its digest or at least a version, a library or an included file by a commit or tag.")
}

func injection() supply.Rule {
	return rule("script-injection", "Text of strangers becomes a command", supply.High, "CWE-78", "CICD-SEC-4",
		"Titles, branch names and messages are written by whoever opens a request. Hand them to the step as an environment variable and quote it there.")
}

func foreignCode() supply.Rule {
	return rule("foreign-code-with-secrets", "Code of a pull request runs with the repository's rights", supply.Critical, "CWE-829", "CICD-SEC-4",
		"pull_request_target and workflow_run have secrets and a writing token. Check out the base alone there, or build under pull_request.")
}

func broadToken() supply.Rule {
	return rule("broad-token", "The job's token may do more than it needs", supply.Medium, "CWE-250", "CICD-SEC-5",
		"State permissions for the workflow, contents: read to begin with, and more for the single job that needs more.")
}

func leakedSecret() supply.Rule {
	return rule("unmasked-secret", "A secret reaches the log or a shell's arguments", supply.High, "CWE-532", "CICD-SEC-6",
		"Masking misses what is encoded or cut. Hand secrets over as environment variables or files, never print them, and never put them into a command's text.")
}

func inherited() supply.Rule {
	return rule("all-secrets", "Every secret is handed on", supply.Medium, "CWE-250", "CICD-SEC-6",
		"Name the secrets that the called workflow needs.")
}

func literal() supply.Rule {
	return rule("literal-credential", "A credential stands in the file", supply.High, "CWE-798", "CICD-SEC-6",
		"Take it from the secret store of the pipeline, and change it: it is in the history.")
}

func toothless() supply.Rule {
	return rule("toothless-check", "A check that fails stops nothing", supply.Medium, "", "CICD-SEC-1",
		"Let tests, scans and gates fail the job; excuse single findings by waivers that end.")
}

func piped() supply.Rule {
	return rule("download-and-run", "What is downloaded runs unseen", supply.Medium, "CWE-494", "CICD-SEC-3",
		"Download, compare with a known digest, then run.")
}

func unsafeCommands() supply.Rule {
	return rule("unsecure-commands", "Output may set the environment", supply.High, "CWE-78", "CICD-SEC-7",
		"Take ACTIONS_ALLOW_UNSECURE_COMMANDS away, and write to $GITHUB_ENV.")
}

func ownRunner() supply.Rule {
	return rule("own-runner", "Strangers' pull requests run on your own machine", supply.High, "CWE-653", "CICD-SEC-7",
		"Run pull requests on machines that are thrown away after each job.")
}

func noEnvironment() supply.Rule {
	return rule("no-environment", "A deployment without an environment", supply.Low, "", "CICD-SEC-5",
		"Give deployments an environment of their own, with its credentials and its approvals.")
}

func privileged() supply.Rule {
	return rule("privileged-build", "Builds have the machine's own rights", supply.High, "CWE-250", "CICD-SEC-7",
		"Build images without a privileged daemon (BuildKit rootless, kaniko, buildah), or keep its TLS on.")
}

func controllerBuild() supply.Rule {
	return rule("controller-build", "Builds run on the controller", supply.High, "CWE-653", "CICD-SEC-7",
		"Set the controller's executors to 0 and build on agents, in containers.")
}

func anyAgent() supply.Rule {
	return rule("any-agent", "Builds run on any agent", supply.Low, "CWE-653", "CICD-SEC-7",
		"Name a container or a labelled agent, so that a build finds nothing of the one before.")
}

func uncleaned() supply.Rule {
	return rule("workspace-left", "The workspace is left as it is", supply.Low, "CWE-459", "CICD-SEC-7",
		"Clean it in post { cleanup { cleanWs() } }: credentials and patients' data of one build are there for the next.")
}

func openServer() supply.Rule {
	return rule("open-server", "The server lets people in whom nobody proved", supply.High, "CWE-306", "CICD-SEC-2",
		"Set a security realm (OpenID Connect, SAML, LDAP) without sign-up, and no rights for anonymous.")
}

func oneRole() supply.Rule {
	return rule("one-role", "Everybody who signs in may do everything", supply.Medium, "CWE-269", "CICD-SEC-2",
		"Use the role strategy or project matrix, with roles by project.")
}

func plainServer() supply.Rule {
	return rule("plain-http", "The server is reached without TLS", supply.Medium, "CWE-319", "CICD-SEC-7",
		"Give it an https address.")
}

func noCrumb() supply.Rule {
	return rule("request-forgery", "Requests can be forged", supply.Medium, "CWE-352", "CICD-SEC-7", "Keep the crumb issuer on.")
}

func unsandboxed() supply.Rule {
	return rule("unsandboxed-script", "Scripts run outside the sandbox", supply.High, "CWE-94", "CICD-SEC-7", "Keep script security on, and approve scripts one by one.")
}

func globalCredential() supply.Rule {
	return rule("global-credential", "Every job may use the credential", supply.Low, "CWE-250", "CICD-SEC-6",
		"Put credentials into the folder of the project and environment that needs them.")
}
