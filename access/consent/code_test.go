package consent

import (
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
)

// TestPurposesHaveTheirKinds holds the levels of v3 PurposeOfUse, as THO 7.0.1 prints them.
func TestPurposesHaveTheirKinds(t *testing.T) {
	t.Parallel()
	for top, kinds := range map[string]string{
		"TREAT":   "TREAT CLINTRL COC ETREAT BTG ERTREAT POPHLTH TREATDS",
		"HPAYMT":  "HPAYMT CLMATTCH COVAUTH COVERAGE ELIGDTRM ELIGVER ENROLLM MILDCRG PMTDS REMITADV",
		"HOPERAT": "HOPERAT CAREMGT GOV HQUALIMP HSYSADMIN LABELING METAMGT SYSDEV HTEST TRAIN",
		"HRESCH":  "HRESCH BIORCH CLINTRCH CLINTRCHNPC CLINTRCHPC PRECLINTRCH DSRCH POARCH TRANSRCH",
		"PATRQT":  "PATRQT FAMRQT PWATRNY SUPNWK",
		"PUBHLTH": "PUBHLTH DISASTER THREAT",
		"HMARKT":  "HMARKT",
	} {
		for kind := range strings.FieldsSeq(kinds) {
			if !isPurpose(tutela.Purpose(kind), tutela.Purpose(top)) {
				t.Errorf("%s is no kind of %s", kind, top)
			}
			if routine(tutela.Purpose(kind)) != strings.Contains("TREAT HPAYMT HOPERAT", top) {
				t.Errorf("%s is taken wrongly for treatment, payment or operations", kind)
			}
		}
	}
	if isPurpose("TREAT", "ETREAT") || isPurpose("", "") {
		t.Error("a purpose is a kind of what is narrower, or nothing is something")
	}
}

// TestSensitivitiesHaveTheirKinds holds the levels of ActInformationSensitivityPolicy.
func TestSensitivitiesHaveTheirKinds(t *testing.T) {
	t.Parallel()
	for top, kinds := range map[string]string{
		"SPI": "SPI ETH BH COGN DVD EMOTDIS MH PSY PSYTHPN SUD ETHUD OPIOIDUD",
		"BH":  "BH COGN DVD EMOTDIS",
		"SUD": "SUD ETHUD OPIOIDUD",
		"HIV": "HIV",
	} {
		for kind := range strings.FieldsSeq(kinds) {
			if !within(broaderLabel, kind, top) {
				t.Errorf("%s is no kind of %s", kind, top)
			}
		}
	}
	if within(broaderLabel, "HIV", "SPI") || within(broaderLabel, "SPI", "PSY") {
		t.Error("a sensitivity is a kind of what it is not")
	}
}
