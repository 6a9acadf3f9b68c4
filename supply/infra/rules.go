package infra

import (
	"strings"

	"github.com/tutela-health/tutela/supply"
)

func rule(id, name string, s supply.Severity, cwe, owasp, help string) supply.Rule {
	r := supply.Rule{ID: "iac." + id, Name: name, Help: help, Severity: s, OWASP: []string{owasp}}
	if cwe != "" {
		r.CWE = []string{cwe}
	}
	return r
}

// The OWASP Top 10 of 2021 that infrastructure runs into.
const (
	accessControl    = "A01:2021"
	cryptography     = "A02:2021"
	misconfiguration = "A05:2021"
	outdated         = "A06:2021"
	authentication   = "A07:2021"
	logging          = "A09:2021"
)

func unpinnedImage() supply.Rule {
	return rule("unpinned-image", "An image without a version", supply.Medium, "CWE-829", outdated, "Name the version, better the digest: what you tested is then what runs.")
}

func largeImage() supply.Rule {
	return rule("large-image", "An image with more in it than the program needs", supply.Low, "CWE-1104", outdated, "End with a minimal base: distroless, scratch, slim or alpine. What is not there has no faults.")
}

func rootUser() supply.Rule {
	return rule("root-user", "The container runs as root", supply.Medium, "CWE-250", misconfiguration, "Give it a user of its own (USER, runAsNonRoot).")
}

func privileged() supply.Rule {
	return rule("privileged", "The container has the machine's rights", supply.High, "CWE-250", misconfiguration, "Take the right away; grant the single capability that is needed.")
}

func hostAccess() supply.Rule {
	return rule("host-access", "The container reaches into the host", supply.High, "CWE-668", misconfiguration, "Keep the container's own network, processes and files.")
}

func writable() supply.Rule {
	return rule("writable-root", "The container's file system can be written", supply.Low, "CWE-732", misconfiguration, "Make it read-only, with a tmpfs where the program writes.")
}

func unconfined() supply.Rule {
	return rule("unconfined", "The container keeps rights that it does not need", supply.Low, "CWE-250", misconfiguration, "Drop all capabilities and forbid to gain privileges.")
}

func unlimited() supply.Rule {
	return rule("unlimited", "One container may take all of the machine", supply.Low, "CWE-770", misconfiguration, "Set limits of memory and processor.")
}

func literalSecret() supply.Rule {
	return rule("literal-secret", "A secret stands in the file", supply.High, "CWE-798", authentication, "Take it from a secret store, and change it: it is in the history.")
}

func remoteAdd() supply.Rule {
	return rule("download-and-run", "What is downloaded is not compared with anything", supply.Medium, "CWE-494", misconfiguration, "Compare it with a digest (ADD --checksum, sha256sum -c).")
}

func loosePermissions() supply.Rule {
	return rule("world-writable", "Everybody may write it", supply.Medium, "CWE-732", misconfiguration, "Give rights to the user that runs the program.")
}

func exposedPort() supply.Rule {
	return rule("exposed-port", "A service of the inside is open to the outside", supply.Medium, "CWE-668", misconfiguration, "Bind it to an inner network or 127.0.0.1.")
}

func clusterWide() supply.Rule {
	return rule("wildcard-rights", "Rights to everything", supply.High, "CWE-250", accessControl, "Name the actions and the resources that are needed.")
}

func anonymousRights() supply.Rule {
	return rule("anonymous-rights", "Whoever comes has rights", supply.Critical, "CWE-306", accessControl, "Bind roles to accounts that are proved.")
}

func noTLS() supply.Rule {
	return rule("no-tls", "Data crosses the network in the clear", supply.High, "CWE-319", cryptography, "Require TLS 1.2 or later, and send plain HTTP to HTTPS.")
}

func notIsolated() supply.Rule {
	return rule("not-isolated", "Workloads reach one another", supply.Low, "CWE-668", misconfiguration, "Set a NetworkPolicy that denies, and allow what is needed.")
}

func accountToken() supply.Rule {
	return rule("account-token", "Every container holds the cluster's token", supply.Low, "CWE-250", accessControl, "Set automountServiceAccountToken: false where the program does not call the cluster.")
}

func unencrypted() supply.Rule {
	return rule("unencrypted", "Data lies unencrypted", supply.High, "CWE-311", cryptography, "Encrypt it, under a key of yours (KMS).")
}

func ownKey() supply.Rule {
	return rule("no-kms-key", "Data is under the provider's key", supply.Low, "CWE-311", cryptography, "Name a KMS key of yours: you can rotate it, and take it away.")
}

func noRotation() supply.Rule {
	return rule("no-key-rotation", "A key is never changed", supply.Medium, "CWE-324", cryptography, "Turn rotation on.")
}

func public() supply.Rule {
	return rule("public", "Reachable by everybody", supply.Critical, "CWE-284", accessControl, "Keep data stores private.")
}

func publicSubnet() supply.Rule {
	return rule("public-subnet", "Machines get public addresses", supply.Medium, "CWE-668", misconfiguration, "Put them into private subnets, behind a load balancer.")
}

func openNetwork() supply.Rule {
	return rule("open-network", "A port is open to the whole internet", supply.High, "CWE-284", misconfiguration, "Name the networks that need it.")
}

func noBackup() supply.Rule {
	return rule("no-backup", "What is lost is lost", supply.Medium, "", misconfiguration, "Keep backups for a week or more, versions of objects, and a last snapshot.")
}

func unprotected() supply.Rule {
	return rule("no-deletion-protection", "One command deletes the data", supply.Low, "", misconfiguration, "Turn deletion protection on.")
}

func noTrail() supply.Rule {
	return rule("no-trail", "Nobody could say who did what in the account", supply.Medium, "CWE-778", logging, "Set a trail over all regions, with validation of its files.")
}

func noSecondFactor() supply.Rule {
	return rule("no-mfa", "A password alone lets people in", supply.Medium, "CWE-308", authentication, "Ask for a second factor.")
}

func escalation() supply.Rule {
	return rule("privilege-escalation", "Rights by which one gets more rights", supply.High, "CWE-269", accessControl, "Name the roles, users and functions that it is for, or set a permissions boundary.")
}

func metadataService() supply.Rule {
	return rule("metadata-v1", "The machine's credentials can be fetched by a forged request", supply.Medium, "CWE-918", misconfiguration, "Require tokens (http_tokens = \"required\").")
}

func mutableTags() supply.Rule {
	return rule("mutable-tags", "A tag can be moved to another image", supply.Low, "CWE-494", outdated, "Make tags immutable.")
}

func sharedAccount() supply.Rule {
	return rule("shared-account", "Environments share an account", supply.Low, "CWE-653", misconfiguration, "Give production an account and databases of its own.")
}

// secretName reports whether something of this name holds a secret.
func secretName(name string) bool {
	name = strings.ToLower(name)
	for _, ending := range []string{"password", "passwd", "secret", "token", "api_key", "apikey", "private_key", "access_key", "secret_key", "credential", "credentials"} {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return false
}

// secretValue reports whether a text is a value written out, and no reference or placeholder.
func secretValue(text string) bool {
	if len(text) < 6 || strings.ContainsAny(text, "${}<>") || strings.HasPrefix(text, "/") || strings.HasPrefix(text, "arn:") {
		return false
	}
	switch strings.ToLower(text) {
	case "changeme", "example", "placeholder", "redacted":
		return false
	}
	return true
}

// pinned says what a name of an image lacks: a version, or nothing.
func pinned(image string) bool {
	if image == "" || image == "scratch" || strings.ContainsAny(image, "${}") || strings.Contains(image, "@sha256:") {
		return true
	}
	_, tag, tagged := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], ":")
	return tagged && tag != "latest"
}
