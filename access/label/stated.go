package label

import "github.com/tutela-health/tutela/r4"

// stated is what a Coding says as a security label, wherever it stands: a Consent that withholds
// psychiatry, a document marked as restricted and a resource labelled so in its meta tell the same.
func stated(system, code string) Set {
	switch system {
	case systemConfidentiality:
		switch code {
		case "R":
			return Restricted
		case "V":
			return VeryRestricted
		}
	case systemActCode, systemPrivacyLaw:
		return sensitivity(code)
	}
	return 0
}

// sensitivity is the label that a code of v3 ActInformationSensitivityPolicy stands for (THO 7.0.1); 0 for
// others. ETH is how older systems label what 42 CFR Part 2 protects.
func sensitivity(code string) Set {
	switch code {
	case "42CFRPart2":
		return Part2
	case "ETH":
		return Part2 | SUD
	case "SUD", "ETHUD", "OPIOIDUD":
		return SUD
	case "PSY", "MH", "BH", "COGN", "DVD", "EMOTDIS":
		return PSY
	case "SPI":
		return SUD | PSY
	case "PSYTHPN":
		return PSYTHPN
	case "HIV":
		return HIV
	case "STD":
		return STD
	case "SEX", "PREGNANT":
		return SEX
	case "SDV", "MST":
		return SDV
	case "GDIS", "SCA", "SICKLE":
		return GDIS
	case "ADOL", "CEL", "DIA", "DRGIS", "EMP", "IDS", "PDS", "PHY", "PRS", "SSP", "TBOO", "VIO", "VIP":
		return Other
	}
	return 0
}

// unknown is what a label in meta.security means that is not known here: it was meant to protect, so it
// needs a clearance. Purposes, integrity, laws and the lower confidentialities are known to be no
// sensitivity.
func unknown(n r4.Node) Set {
	system, code := n.Child("system").Text(), n.Child("code").Text()
	switch system {
	case systemActReason, systemObservation, systemPrivacyLaw:
		return 0
	case systemConfidentiality:
		switch code {
		case "U", "L", "M", "N", "R", "V":
			return 0
		}
		return Restricted
	}
	if stated(system, code) != 0 {
		return 0
	}
	return Other
}
