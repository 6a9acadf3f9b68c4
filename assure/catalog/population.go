package catalog

import "github.com/tutela-health/tutela"

// Population names entries of the ledger that show something by being there.
type Population string

// Populations says which actions' entries make up each population.
func Populations() map[Population][]tutela.Action {
	return map[Population][]tutela.Action{
		"access":      {tutela.ActionRead, tutela.ActionVRead, tutela.ActionHistory, tutela.ActionSearch, tutela.ActionCreate, tutela.ActionUpdate, tutela.ActionDelete, tutela.ActionBatch, tutela.ActionTransaction, tutela.ActionExport},
		"logins":      {tutela.ActionAuthenticate, tutela.ActionStepUp, tutela.ActionTokenIssue},
		"accounts":    {tutela.ActionUserCreate, tutela.ActionUserInvite, tutela.ActionUserEnrol, tutela.ActionUserDisable, tutela.ActionUserEnable, tutela.ActionUserRoles, tutela.ActionUserReset, tutela.ActionUserDelete, tutela.ActionUserImport, tutela.ActionAccessEnd, tutela.ActionPeopleWrite},
		"clearances":  {tutela.ActionClearanceAsk, tutela.ActionClearanceGive, tutela.ActionClearanceRefuse, tutela.ActionClearanceEnd},
		"consents":    {tutela.ActionConsentGive, tutela.ActionConsentEnd},
		"keys":        {tutela.ActionKeyCreate, tutela.ActionKeyRotate, tutela.ActionKeyRetire, tutela.ActionKeyDestroy, tutela.ActionKeyProviderMove, tutela.ActionRecoveryDrill},
		"break-glass": {tutela.ActionBreakGlassOpen, tutela.ActionBreakGlassEnd, tutela.ActionBreakGlassRevoke, tutela.ActionBreakGlassReview},
		"rights":      {tutela.ActionRightsAsk, tutela.ActionRightsDecide, tutela.ActionPatientExport, tutela.ActionPatientRestrict},
		"erasures":    {tutela.ActionErasureAsk, tutela.ActionErasureApprove, tutela.ActionErasureStep, tutela.ActionPatientErase},
		"disclosures": {tutela.ActionPatientDisclose, tutela.ActionPatientDisclosures},
		"events":      {tutela.ActionEventsSend},
		"findings":    {tutela.ActionFindingOpen, tutela.ActionFindingRaise, tutela.ActionFindingFeedback},
		"alerts":      {tutela.ActionAlertRaise, tutela.ActionAlertAck},
		"answers":     {tutela.ActionAnswerGive, tutela.ActionAnswerUndo, tutela.ActionAnswerHold},
		"incidents":   {tutela.ActionIncidentOpen, tutela.ActionIncidentReport, tutela.ActionIncidentMove, tutela.ActionIncidentStep, tutela.ActionIncidentNote},
		"breaches":    {tutela.ActionBreachOpen, tutela.ActionBreachAssess, tutela.ActionBreachTrack},
		"backups":     {tutela.ActionBackupCreate, tutela.ActionBackupVerify, tutela.ActionBackupRestore},
		"pipelines":   {tutela.ActionPipelineReport, tutela.ActionPipelineApprove},
		"evidence":    {tutela.ActionEvidence},
	}
}
