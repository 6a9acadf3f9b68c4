package fhir

import (
	"context"
	"fmt"
	"strings"

	"github.com/tutela-health/tutela/access"
)

// withdrawnConsent has an invented patient permit a clinician who treats him, and then withdraw that: by a
// consent that refuses, and, where only what is consented to is open, by ending the one that permits.
func withdrawnConsent(ctx context.Context, s *stage) (wrong []string, told string, err error) {
	if err := s.plantPatients(ctx, ours); err != nil {
		return nil, "", err
	}
	if err := s.plant(ctx, team(ours, "active")); err != nil {
		return nil, "", err
	}
	version, err := s.put(ctx, s.observation(ours, ours))
	if err != nil {
		return nil, "", err
	}
	who := clinician(access.RolePhysician)
	withdrawals := []map[string]any{agreement(ours, "active", "OPTOUT", "deny")}
	optIn, err := s.regime(ctx, who)
	if err != nil {
		return nil, "", err
	}
	if optIn {
		withdrawals = append(withdrawals, agreement(ours, "inactive", "OPTIN", "permit"))
	}
	asked := 0
	for _, withdrawal := range withdrawals {
		if err := s.plant(ctx, agreement(ours, "active", "OPTIN", "permit")); err != nil {
			return nil, "", err
		}
		if err := s.open(ctx, who, ours, ours, version); err != nil {
			return nil, "", err
		}
		if err := s.plant(ctx, withdrawal); err != nil {
			return nil, "", err
		}
		by, of := s.shown(ctx, who, ours, ours, version)
		asked += of
		if len(by) > 0 {
			wrong = append(wrong, fmt.Sprintf("after a consent was withdrawn (%s) a physician was shown what it had permitted by %s", withdrawal["status"], strings.Join(by, ", ")))
		}
	}
	return wrong, fmt.Sprintf("what a consent permitted was shown to a physician; once it was withdrawn, none of %d requests showed it", asked), nil
}

// agreement is a consent of an invented patient.
func agreement(patient, status, policy, effect string) map[string]any {
	code := func(system, code string) map[string]any {
		return map[string]any{"coding": []any{map[string]any{"system": system, "code": code}}}
	}
	return map[string]any{
		"resourceType": "Consent", "id": patient + "-consent", "status": status, "patient": refTo("Patient/" + patient),
		"scope":      code("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"),
		"category":   []any{code("http://loinc.org", "59284-0")},
		"policyRule": code("http://terminology.hl7.org/CodeSystem/v3-ActCode", policy),
		"provision":  map[string]any{"type": effect},
	}
}
