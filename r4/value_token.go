package r4

// systemBoolean is the code system of true and false (FHIR R4, codesystem-special-values.html).
const systemBoolean = "http://terminology.hl7.org/CodeSystem/special-values"

// tokens gives the codes that an element stands for, by the table of FHIR R4, search.html#token.
func (x *extraction) tokens(n Node) {
	switch n.node().typ {
	case typeCoding:
		x.token(n.Child("system").Text(), n.Child("code").Text(), false)
	case typeCodeableConcept:
		for c := range n.Child("coding").Items() {
			x.tokens(c)
		}
	case typeIdentifier:
		x.token(n.Child("system").Text(), n.Child("value").Text(), false)
	case typeContactPoint:
		x.token("", n.Child("value").Text(), true)
	case typeBoolean:
		x.token(systemBoolean, n.Text(), true)
	case typeCode:
		x.token(codeSets[elements[n.node().elem].codes].system, n.Text(), true)
	default:
		x.token("", n.Text(), true)
	}
}

func (x *extraction) token(system, code string, implied bool) {
	if code != "" || system != "" && !implied {
		x.out = append(x.out, Value{Kind: ParamToken, Token: Token{system, code, implied}})
	}
}

// reference gives what a Reference, canonical or uri names, or the bundled resource itself.
func (x *extraction) reference(n Node) {
	var ref Reference
	switch n.node().typ {
	case typeReference:
		ref = referenceOf(n)
	case typeUri, typeUrl, typeCanonical, typeOid, typeUuid:
		if ref, _ = ParseReference(n.Text()); ref.Local() && ref.Type == "Patient" {
			return // a canonical names definitions, and whom a resource concerns its References alone say
		}
	default:
		if res := n.Resource(); res != nil {
			ref = Reference{Type: res.Type(), ID: res.ID()}
		}
	}
	if ref.ID != "" || ref.URL != "" || ref.Identifier != (Token{}) {
		x.out = append(x.out, Value{Kind: ParamReference, Reference: ref})
	}
}

// referenceOf reads a Reference element.
func referenceOf(n Node) Reference {
	ref, _ := ParseReference(n.Child("reference").Text())
	if ref.Type == "" {
		ref.Type = n.Child("type").Text()
	}
	id := n.Child("identifier")
	ref.Identifier = Token{System: id.Child("system").Text(), Code: id.Child("value").Text()}
	return ref
}
