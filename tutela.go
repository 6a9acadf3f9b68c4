// Package tutela is the vocabulary of the platform: the nouns that every plane
// shares, and nothing that does I/O. It imports the standard library only.
package tutela

import (
	"context"
	"time"
)

// Tenant names an environment or organisation: own host name, database, users, keys and ledger.
type Tenant string

// UserID identifies a person's or service's account within a tenant.
type UserID string

// PatientID is the logical id of a FHIR Patient resource.
type PatientID string

// Locator is the keyed hash of a resource's type and id (HMAC-SHA-256 under the tenant's
// locator key, truncated to 64 bits). It stands for the resource wherever plaintext must not.
type Locator int64

// Bucket says whose key a row lies under: the Locator of the one Patient concerned,
// BucketGeneral or BucketShared. It is also the patient's pseudonym in the ledger.
type Bucket int64

// The two buckets that are no patient's.
const (
	BucketGeneral Bucket = 0 // concerns no patient
	BucketShared  Bucket = 1 // concerns several; a key of its own, wrapped for each of them
)

// Ref names a resource, as in "Patient/123".
type Ref struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

// String gives the relative FHIR reference.
func (r Ref) String() string {
	if r.ID == "" {
		return r.Type
	}
	return r.Type + "/" + r.ID
}

// ActorKind tells people from software.
type ActorKind string

// The kinds of actor.
const (
	ActorAnonymous ActorKind = "anonymous"
	ActorPerson    ActorKind = "person"
	ActorService   ActorKind = "service"
	ActorSystem    ActorKind = "system" // Tutela itself: sequencer, jobs, commands on a stopped store
)

// Principal is who is calling, as identity proved it. The zero value is nobody.
type Principal struct {
	Tenant   Tenant
	ID       UserID
	Kind     ActorKind
	Username string
	Roles    []string
	// Clearances are the sensitivity labels that the caller may see, by name: HIV, PSY, R …
	Clearances []string
	Unit       string    // ward or department
	Scopes     []string  // SMART on FHIR v2 scopes as granted, e.g. "system/*.cruds"
	Session    string    // id of the session, empty for services
	Client     string    // OAuth client id
	Assurance  string    // how strongly authenticated (NIST SP 800-63B: aal1, aal2, aal3)
	FHIRUser   Ref       // the caller's own resource
	Patient    PatientID // launch context, for patient/ scopes
	Address    string    // network address of the peer
	Expires    time.Time // when the token ends
}

// Purpose is a code of HL7 v3 PurposeOfUse (http://terminology.hl7.org/CodeSystem/v3-ActReason).
type Purpose string

// The purposes that policies name.
const (
	PurposeTreatment  Purpose = "TREAT"
	PurposeEmergency  Purpose = "ETREAT"
	PurposePayment    Purpose = "HPAYMT"
	PurposeOperations Purpose = "HOPERAT"
	PurposeResearch   Purpose = "HRESCH"
	PurposePatient    Purpose = "PATRQT"
	PurposeSystem     Purpose = "HSYSADMIN"
	PurposeLegal      Purpose = "HLEGAL"
)

// Action is what was asked. FHIR interactions carry their RESTful names (FHIR R4, 3.1.0).
type Action string

// The actions that the first planes write. Later planes add theirs here.
const (
	ActionRead         Action = "read"
	ActionVRead        Action = "vread"
	ActionHistory      Action = "history-instance"
	ActionSearch       Action = "search-type"
	ActionCreate       Action = "create"
	ActionUpdate       Action = "update"
	ActionDelete       Action = "delete"
	ActionBatch        Action = "batch"
	ActionTransaction  Action = "transaction"
	ActionUnknown      Action = "unknown" // a request for what is not offered
	ActionExport       Action = "export"
	ActionTokenIssue   Action = "token.issue"
	ActionAuthenticate Action = "authenticate"
	ActionUserCreate   Action = "user.create"
	ActionUserUpdate   Action = "user.update"
	ActionTokenRevoke  Action = "token.revoke"
	ActionUserInvite   Action = "user.invite"
	ActionUserUninvite Action = "user.uninvite" // an invitation was withdrawn
	ActionUserEnrol    Action = "user.enrol"    // a password or another authenticator was added, changed or removed
	ActionUserDisable  Action = "user.disable"
	ActionUserEnable   Action = "user.enable"
	ActionUserRoles    Action = "user.roles"
	ActionUserReset    Action = "user.reset"
	ActionUserDelete   Action = "user.delete" // gave its name up for good, or was a check's and is gone
	ActionUserList     Action = "user.list"
	ActionUserImport   Action = "user.import"     // a roster was laid beside the accounts
	ActionAccessEnd    Action = "access.end"      // a leaver's access has ended, and how long it took
	ActionPeopleRead   Action = "directory.read"  // by a SCIM client
	ActionPeopleWrite  Action = "directory.write" // by a SCIM client
	ActionStepUp       Action = "authenticate.step-up"
	ActionSessionEnd   Action = "session.end"
	ActionClientCreate Action = "client.create"
	ActionClientUpdate Action = "client.update"
	ActionClientDelete Action = "client.delete"
	ActionAuthorize    Action = "authorize"   // a person let a client have a code
	ActionTokenReuse   Action = "token.reuse" // a code or refresh token came a second time
	ActionConsentGive  Action = "consent.give"
	ActionConsentEnd   Action = "consent.end"
	ActionClientProve  Action = "client.authenticate"
	ActionLaunch       Action = "launch.create"
	ActionSignerRotate Action = "signer.rotate"
	ActionUserLink     Action = "user.link" // a person of an outside provider became an account's owner
	ActionUserUnlink   Action = "user.unlink"

	ActionClearanceAsk    Action = "clearance.ask"    // an administrator says what an account is to be cleared for; what it loses is gone
	ActionClearanceGive   Action = "clearance.give"   // the privacy officer gave what was asked for
	ActionClearanceRefuse Action = "clearance.refuse" // and did not
	ActionClearanceEnd    Action = "clearance.end"    // the privacy officer took all of an account's away
	ActionClearanceList   Action = "clearance.list"

	ActionProviderCreate Action = "provider.create"
	ActionProviderUpdate Action = "provider.update"
	ActionProviderDelete Action = "provider.delete"
	ActionTenantInit     Action = "tenant.init"
	ActionStart          Action = "node.start"
	ActionStop           Action = "node.stop"
	ActionKeyCreate      Action = "key.create"
	ActionKeyList        Action = "key.list"
	ActionKeyRotate      Action = "key.rotate"  // the next generation was opened, or the index is made anew under another key
	ActionKeyRetire      Action = "key.retire"  // nothing is wrapped under a generation any more
	ActionKeyDestroy     Action = "key.destroy" // somebody wants a retired generation's key destroyed, agrees to it, or the provider has done it
	ActionAuditVerify    Action = "audit.verify"
	ActionAuditSearch    Action = "audit.search"
	ActionAuditProve     Action = "audit.prove"
	ActionAuditRead      Action = "audit.read"
	ActionAssess         Action = "assess.run"
	ActionEvidence       Action = "assess.evidence"
	ActionReindex        Action = "index.rebuild"
	ActionPolicyExplain  Action = "policy.explain" // what somebody may with a resource, and why
	ActionPolicyDiff     Action = "policy.diff"    // what other policies would have decided on the requests of late
	ActionPolicyReload   Action = "policy.reload"  // changed policy files took force, or were refused
	ActionRulesReload    Action = "rules.reload"   // changed rules of detection took force, or some are not understood
	ActionMetrics        Action = "metrics.read"

	ActionBreakGlassOpen   Action = "break-glass.open"   // an alert: somebody gave himself access to a patient
	ActionBreakGlassEnd    Action = "break-glass.end"    // before its time, by who opened it
	ActionBreakGlassRevoke Action = "break-glass.revoke" // by somebody else
	ActionBreakGlassList   Action = "break-glass.list"
	ActionBreakGlassReview Action = "break-glass.review" // the case is closed, with a verdict

	ActionPatientExport      Action = "patient.export"      // a complete copy of what concerns a patient left
	ActionPatientRestrict    Action = "patient.restrict"    // a patient's records may not be used, or may again
	ActionPatientDisclosures Action = "patient.disclosures" // to whom a patient's data was disclosed
	ActionPatientDisclose    Action = "patient.disclose"    // a disclosure by other means was written down
	ActionPatientAccesses    Action = "patient.accesses"    // who looked at a patient's data
	ActionPatientErase       Action = "patient.erase"       // a patient's key was left behind: nothing of him opens any more
	ActionErasureAsk         Action = "erasure.ask"         // somebody wants a patient erased, withdraws that, holds him from it or lifts a hold
	ActionErasureApprove     Action = "erasure.approve"     // somebody else wants it too
	ActionErasureRead        Action = "erasure.read"        // how far erasures are, and their certificates
	ActionErasureStep        Action = "erasure.step"        // the system has done a step of one
	ActionRightsAsk          Action = "rights.ask"          // a patient exercises a right
	ActionRightsRead         Action = "rights.read"         // a patient's requests
	ActionRightsDecide       Action = "rights.decide"       // extended, granted, refused, fulfilled; a recipient notified
	ActionRightsList         Action = "rights.list"         // everybody's requests

	ActionRoutes  Action = "routes.list"
	ActionLimit   Action = "request.limit"   // too many requests of one caller or network
	ActionNetwork Action = "request.network" // proved, and from a network that it may not call from

	ActionDowntimeCreate Action = "downtime.create" // a ward's charts left for a file that opens without the server
	ActionDowntimeReport Action = "downtime.report" // who opened such a file, as its log tells

	ActionRecoveryRead    Action = "recovery.read"
	ActionRecoverySplit   Action = "recovery.split"   // a new recovery key was made, and its shares given out
	ActionRecoveryRenew   Action = "recovery.renew"   // the holders were given a wrap of the present generation
	ActionRecoveryDrill   Action = "recovery.drill"   // enough holders opened the wrap, or did not
	ActionRecoveryConfirm Action = "recovery.confirm" // somebody says that a generation's wraps are destroyed

	ActionKeyProviderRead Action = "key-provider.read"
	ActionKeyProviderMove Action = "key-provider.move" // generations move to another provider, or have moved

	ActionBackupAsk     Action = "backup.ask"    // somebody wants a full backup now
	ActionBackupCreate  Action = "backup.create" // a full backup was made, and read back where it lies
	ActionBackupFail    Action = "backup.fail"   // a destination stopped taking backups, or works again
	ActionBackupList    Action = "backup.list"
	ActionBackupVerify  Action = "backup.verify"  // a backup was restored into a scratch place and tried, with evidence
	ActionBackupRestore Action = "backup.restore" // what follows came after a restore

	ActionPipelineRegister Action = "pipeline.register" // a pipeline may report about a repository from now on
	ActionPipelineRevoke   Action = "pipeline.revoke"   // and no longer
	ActionPipelineList     Action = "pipeline.list"
	ActionPipelineReport   Action = "pipeline.report"  // a pipeline's signed statement came in
	ActionPipelineApprove  Action = "pipeline.approve" // somebody answers for a commit
	ActionBillRead         Action = "sbom.read"        // what a repository is made of

	ActionFindingOpen     Action = "finding.open"     // detection found something
	ActionFindingRaise    Action = "finding.raise"    // an open finding has become riskier
	ActionFindingList     Action = "finding.list"     // somebody looked at findings
	ActionFindingFeedback Action = "finding.feedback" // somebody judged one

	ActionEventsSend    Action = "events.send"    // another system sent what happened in it
	ActionEventsSearch  Action = "events.search"  // somebody looked into other systems' logs
	ActionEventsSources Action = "events.sources" // somebody looked which systems tell
	ActionEventsExpire  Action = "events.expire"  // lines of logs whose time was over were taken away

	ActionAnswerGive   Action = "answer.give"   // a finding was answered by the system itself, or (denied) a guard held the answer back
	ActionAnswerUndo   Action = "answer.undo"   // somebody took an answer back
	ActionAnswerList   Action = "answer.list"   // somebody looked at answers
	ActionAnswerHold   Action = "answer.hold"   // a caller was refused because of an answer
	ActionAnswerReload Action = "answer.reload" // a changed policy of answers took force, or was refused

	ActionIncidentOpen   Action = "incident.open"   // an incident was opened, by a person or for a finding
	ActionIncidentJoin   Action = "incident.join"   // a finding joined one
	ActionIncidentReport Action = "incident.report" // somebody told of something that may be one
	ActionIncidentMail   Action = "incident.mail"   // the mail system, or an administrator, handed a message in
	ActionIncidentMine   Action = "incident.mine"   // somebody looked at what he reported
	ActionIncidentList   Action = "incident.list"   // somebody looked at incidents
	ActionIncidentMove   Action = "incident.move"   // one was contained, recovered from, closed, or is open again
	ActionIncidentStep   Action = "incident.step"   // a step of one was approved, done or skipped
	ActionIncidentReload Action = "incident.reload" // changed runbooks took force, or were refused
	ActionIncidentNote   Action = "incident.note"   // something was written into a timeline by hand

	ActionAlertRaise   Action = "alert.raise"   // people are told of a finding, or of nobody's having seen it; or the day's digest
	ActionAlertAck     Action = "alert.ack"     // somebody has seen an alert
	ActionAlertList    Action = "alert.list"    // somebody looked at alerts
	ActionAlertTest    Action = "alert.test"    // somebody tried the channels
	ActionAlertChannel Action = "alert.channel" // a channel takes no messages any more, or does again

	ActionTicketWrite   Action = "ticket.write"   // a finding or a step is to have a ticket in a tracker
	ActionTicketTell    Action = "ticket.tell"    // a tracker has a ticket, or its new state
	ActionTicketPropose Action = "ticket.propose" // somebody there closed or opened a ticket, which here is not so
	ActionTicketDecline Action = "ticket.decline" // somebody here said no to that
	ActionTicketList    Action = "ticket.list"    // somebody looked at tickets
	ActionTicketSync    Action = "ticket.sync"    // somebody had all of them looked at
	ActionTrackerTest   Action = "tracker.test"   // somebody tried the trackers
	ActionTrackerState  Action = "tracker.state"  // a tracker answers no more, or does again

	ActionBreachScope    Action = "breach.scope"    // somebody asked whom an account, address, session or client reached
	ActionBreachOpen     Action = "breach.open"     // somebody says that there may have been a breach
	ActionBreachRead     Action = "breach.read"     // somebody looked at breaches
	ActionBreachAssess   Action = "breach.assess"   // somebody decided whether it is one, and why; or closed it
	ActionBreachDelay    Action = "breach.delay"    // a law enforcement official asked that nobody is told yet
	ActionBreachLetters  Action = "breach.letters"  // notices were drafted, with names and addresses
	ActionBreachTrack    Action = "breach.track"    // what became of notices was written down
	ActionControlList    Action = "control.list"    // somebody looked how controls are known
	ActionControlAttest  Action = "control.attest"  // somebody gave his word on a requirement, or took it back
	ActionRiskList       Action = "risk.list"       // somebody looked at risks
	ActionRiskChange     Action = "risk.change"     // a risk was written down, changed, agreed to or closed
	ActionVendorList     Action = "vendor.list"     // somebody looked at vendors
	ActionVendorShare    Action = "vendor.share"    // our own answers were sealed, for others
	ActionVendorChange   Action = "vendor.change"   // a vendor was written down, changed, assessed, told what to put right or closed
	ActionReviewList     Action = "review.list"     // somebody looked at reviews
	ActionReviewChange   Action = "review.change"   // a review was planned, opened, decided about, carried out, or a follow-up done
	ActionDutyList       Action = "duty.list"       // somebody looked at what is to be done
	ActionDutyMine       Action = "duty.mine"       // somebody looked at what he is to do
	ActionDutyRemind     Action = "duty.remind"     // people were told of what is to be done, or it is done
	ActionGapList        Action = "gap.list"        // somebody looked at gaps, tests, or how everything stood
	ActionGapChange      Action = "gap.change"      // a gap opened or closed, was assigned or disputed; a test was planned or recorded; the day's score
	ActionPolicyList     Action = "policy.list"     // somebody looked at what people are told to do
	ActionPolicyChange   Action = "policy.change"   // a policy was drafted, approved or withdrawn
	ActionPolicyRead     Action = "policy.read"     // somebody read the policies that concern him
	ActionPolicySign     Action = "policy.sign"     // somebody acknowledged one
	ActionTrainingList   Action = "training.list"   // somebody looked at modules, and who has to take them
	ActionTrainingChange Action = "training.change" // a module was kept or withdrawn, or results from elsewhere came in
	ActionTrainingRead   Action = "training.read"   // somebody read the modules that are for him
	ActionTrainingTake   Action = "training.take"   // somebody answered the questions of one
	ActionPackageMake    Action = "package.make"    // somebody takes an auditor's package out
	ActionPackageSeal    Action = "package.seal"    // what is in it, by the digest of its manifest
	ActionExportList     Action = "export.list"     // somebody looked how far the systems are that the ledger goes to
	ActionExportTarget   Action = "export.target"   // a system that the ledger goes to takes no entries any more, or does again
)

// Outcome says how an action ended.
type Outcome string

// The outcomes.
const (
	OutcomeSuccess Outcome = "success"
	OutcomeDenied  Outcome = "denied" // refused by a decision
	OutcomeFailed  Outcome = "failed" // the caller's fault: malformed, not found, conflict
	OutcomeError   Outcome = "error"  // ours
)

// Actor is the acting account as an entry keeps it.
type Actor struct {
	ID    UserID    `json:"id"`
	Kind  ActorKind `json:"kind"`
	Name  string    `json:"name,omitempty"`
	Roles []string  `json:"roles,omitempty"`
	Unit  string    `json:"unit,omitempty"`
}

// Touched is one patient whom an entry concerns.
type Touched struct {
	Patient Bucket         `json:"p"`
	Counts  map[string]int `json:"n,omitempty"` // resources by type
	Flags   []string       `json:"f,omitempty"` // how the patient stands to the caller: docs/events.md lists them
}

// Write is one version that an entry put into the store. Digest is SHA-256 over the sealed row.
type Write struct {
	Locator Locator
	Version int64
	Bucket  Bucket
	Deleted bool
	Digest  [32]byte
}

// Subject is what an entry is about when it is no record: a user, key, backup, scan, control.
type Subject struct {
	Kind   string `json:"kind"`
	ID     string `json:"id"`
	Detail string `json:"detail,omitempty"`
}

// Disclosure says to whom data went outside the organisation, and why (45 CFR 164.528).
type Disclosure struct {
	Recipient string  `json:"recipient"`
	Purpose   Purpose `json:"purpose"`
	Kind      string  `json:"kind"`
}

// Basis is why a decision allowed or denied.
type Basis struct {
	Policies     []string `json:"policies,omitempty"`
	Consent      string   `json:"consent,omitempty"`
	Relationship string   `json:"relationship,omitempty"`
}

// Ending is what an order to end somebody's access ended. Took is there once it is done: until then
// the order was carried out on one node; every other follows within a second.
type Ending struct {
	Ordered  time.Time `json:"ordered"`            // when the order came in
	Took     int64     `json:"took_ms,omitempty"`  // milliseconds from the order until it was durable, rounded up
	Sessions int       `json:"sessions,omitempty"` // logins that were open
	Tokens   int       `json:"tokens,omitempty"`   // access tokens that were alive
	Refresh  int       `json:"refresh,omitempty"`  // refresh tokens that were alive
}

// Any reports whether anything was alive.
func (e Ending) Any() bool { return e.Sessions+e.Tokens+e.Refresh > 0 }

// Foreign says that an entry tells what happened in another system, as that system told it: the actor is an account
// there, and whether it is true is the source's word. The entry's own time is that of receipt.
type Foreign struct {
	Source   string    `json:"source"`         // as it is configured here
	Record   string    `json:"record"`         // the id that it gave what it told, or a hash of that
	Observed time.Time `json:"observed"`       // when it says that it happened
	Host     string    `json:"host,omitempty"` // what it calls itself
}

// Entry is one line of the ledger: who did what, when, to whose data, on what grounds. It holds
// no value from a record; those go into the personal Sections beside it.
type Entry struct {
	ID            string      `json:"id"` // 128 random bits, hexadecimal
	Time          time.Time   `json:"time"`
	Node          string      `json:"node"`
	Tenant        Tenant      `json:"tenant"`
	Actor         Actor       `json:"actor"`
	Session       string      `json:"session,omitempty"`
	Client        string      `json:"client,omitempty"`
	Address       string      `json:"address,omitempty"`
	Assurance     string      `json:"aal,omitempty"`
	Request       string      `json:"request,omitempty"` // request id, as in the X-Request-Id header
	Action        Action      `json:"action"`
	Type          string      `json:"type,omitempty"` // resource type of the request
	Outcome       Outcome     `json:"outcome"`
	Status        int         `json:"status,omitempty"` // HTTP status, where there was one
	Count         int         `json:"count,omitempty"`  // aggregated events, 0 means one
	Purpose       Purpose     `json:"purpose,omitempty"`
	Basis         *Basis      `json:"basis,omitempty"`
	Patients      []Touched   `json:"patients,omitempty"`
	Bytes         int64       `json:"bytes,omitempty"` // of patient data that left
	Grant         string      `json:"grant,omitempty"`
	PolicyVersion string      `json:"policy,omitempty"`
	BreakGlass    string      `json:"break_glass,omitempty"`
	Disclosure    *Disclosure `json:"disclosure,omitempty"`
	Subject       *Subject    `json:"subject,omitempty"`
	Evidence      *Evidence   `json:"evidence,omitempty"`
	Ending        *Ending     `json:"ending,omitempty"`
	Foreign       *Foreign    `json:"foreign,omitempty"`   // another system told of it, and answers for the rest
	Continues     string      `json:"continues,omitempty"` // id of the entry that this one continues
	Demo          bool        `json:"demo,omitempty"`
	Writes        []Write     `json:"-"` // kept in binary beside the JSON
}

// Section is the personal part of an entry: it names values and ids, and lies under the patient's key.
type Section struct {
	Patient Bucket // BucketGeneral when no patient is known
	Body    []byte // JSON: query, reason, references
}

// Verdict is the result of a check. The zero value is CouldNotCheck: silence is no pass.
type Verdict string

// The verdicts.
const (
	CouldNotCheck Verdict = ""
	Pass          Verdict = "pass"
	Fail          Verdict = "fail"
	NotApplicable Verdict = "not-applicable"
)

// String names the verdict.
func (v Verdict) String() string {
	if v == CouldNotCheck {
		return "could-not-check"
	}
	return string(v)
}

// MarshalText writes the verdict's name, so that no reader takes silence for a pass.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads a verdict's name. One that nobody knows is CouldNotCheck.
func (v *Verdict) UnmarshalText(text []byte) error {
	switch name := Verdict(text); name {
	case Pass, Fail, NotApplicable:
		*v = name
	default:
		*v = CouldNotCheck
	}
	return nil
}

// Evidence is what a check observed.
type Evidence struct {
	Check    string    `json:"check"`
	Observed string    `json:"observed"`
	On       string    `json:"on"` // what was tried: an address, a file, a repository
	Verdict  Verdict   `json:"verdict"`
	At       time.Time `json:"at"`
	Expires  time.Time `json:"expires"`
}

// Check tries to break something and says what happened.
type Check struct {
	ID       string // stable, e.g. "protect.token-required"
	Title    string
	Controls []string      // requirement IDs and regulation sections
	Fresh    time.Duration // how long its evidence counts
	Try      func(context.Context) Evidence
}

// KeyKind says what a stored wrapped key is for.
type KeyKind string

// The kinds of wrapped key.
const (
	KeyRing    KeyKind = "ring"    // keyring key, wrapped by the provider's generation key; version = generation
	KeyPatient KeyKind = "patient" // data key of one patient; id = Bucket
	KeyGeneral KeyKind = "general" // data key for what concerns no patient; id = 0
	KeyDay     KeyKind = "day"     // ledger header key of one day; id = days since 1970-01-01 UTC
	KeySystem  KeyKind = "system"  // named secrets: index, locator, ledger, signer, cursor; id = their number
	KeyShared  KeyKind = "shared"  // of one version that concerns several patients; id is its keyed hash
)

// KeyGeneration is one generation of the keyring: the provider's key, and the keyring key that it wraps. Times
// that have not come are zero.
type KeyGeneration struct {
	Number    int
	Provider  string    // whose key it is, as the provider calls itself
	Opened    time.Time // from here on keys are wrapped under it, until the next one is opened
	Closed    time.Time // nothing is left under it
	Destroyed time.Time // the provider was told to destroy its key
	Final     time.Time // the provider says that it is gone for good, and cannot be brought back after that
	Asked     time.Time // somebody wants its key destroyed
	AskedBy   UserID
	Agreed    time.Time // somebody else wants that too
	AgreedBy  UserID
}

// WrappedKey is a key as the store keeps it: useless without the keyring.
type WrappedKey struct {
	Kind       KeyKind
	ID         int64
	Version    int
	Generation int // generation of the key that wraps it
	Blob       []byte
	Created    time.Time
}
