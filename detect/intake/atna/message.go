package atna

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The bounds of a message.
const (
	MaxMessage = 1 << 20 // bytes
	maxParts   = 10_000  // participants and objects
	maxDepth   = 16
)

// message is the XML of an AuditMessage, as far as it is of use.
type message struct {
	XMLName xml.Name `xml:"AuditMessage"`
	Event   struct {
		Action   string `xml:"EventActionCode,attr"`
		At       string `xml:"EventDateTime,attr"`
		Outcome  string `xml:"EventOutcomeIndicator,attr"`
		ID       code   `xml:"EventID"`
		Types    []code `xml:"EventTypeCode"`
		Purposes []code `xml:"PurposeOfUse"`
	} `xml:"EventIdentification"`
	Participants []participant `xml:"ActiveParticipant"`
	Source       struct {
		ID   string `xml:"AuditSourceID,attr"`
		Site string `xml:"AuditEnterpriseSiteID,attr"`
	} `xml:"AuditSourceIdentification"`
	Objects []object `xml:"ParticipantObjectIdentification"`
}

// code is a coded value; DICOM calls its attribute csd-code, RFC 3881 code.
type code struct {
	CSD     string `xml:"csd-code,attr"`
	Old     string `xml:"code,attr"`
	System  string `xml:"codeSystemName,attr"`
	Display string `xml:"originalText,attr"`
	Shown   string `xml:"displayName,attr"`
}

func (c code) value() string {
	if c.CSD != "" {
		return c.CSD
	}
	return c.Old
}

// name is what people call it.
func (c code) name() string {
	for _, s := range []string{c.Display, c.Shown, c.CSD, c.Old} {
		if s != "" {
			return s
		}
	}
	return ""
}

type participant struct {
	UserID    string `xml:"UserID,attr"`
	Other     string `xml:"AlternativeUserID,attr"`
	Name      string `xml:"UserName,attr"`
	Requestor string `xml:"UserIsRequestor,attr"`
	Point     string `xml:"NetworkAccessPointID,attr"`
	Roles     []code `xml:"RoleIDCode"`
}

type object struct {
	ID      string   `xml:"ParticipantObjectID,attr"`
	Type    string   `xml:"ParticipantObjectTypeCode,attr"`
	Role    string   `xml:"ParticipantObjectTypeCodeRole,attr"`
	Details []detail `xml:"ParticipantObjectDetail"`
	Kind    code     `xml:"ParticipantObjectIDTypeCode"`
}

// detail is a named value in base64.
type detail struct {
	Type  string `xml:"type,attr"`
	Value []byte `xml:"value,attr"`
}

// Is reports whether a text looks like an audit message, so that a reader of mixed logs knows where to take it.
func Is(b []byte) bool {
	head := b[:min(len(b), 512)]
	return bytes.Contains(head, []byte("<AuditMessage"))
}

// decode reads the XML within its bounds.
func decode(b []byte) (*message, error) {
	if len(b) > MaxMessage {
		return nil, fmt.Errorf("is longer than %d bytes", MaxMessage)
	}
	b = bytes.TrimPrefix(bytes.TrimSpace(b), []byte("\xef\xbb\xbf"))
	if err := shallow(b); err != nil {
		return nil, err
	}
	var m message
	d := xml.NewDecoder(bytes.NewReader(b))
	d.CharsetReader = func(charset string, r io.Reader) (io.Reader, error) {
		if strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "us-ascii") {
			return r, nil
		}
		return nil, errors.New("is in another character set than UTF-8")
	}
	if err := d.Decode(&m); err != nil {
		return nil, errors.New("is no AuditMessage")
	}
	if len(m.Objects)+len(m.Participants) > maxParts {
		return nil, fmt.Errorf("has more than %d participants", maxParts)
	}
	return &m, nil
}

// shallow refuses what is nested beyond measure, before anything is built of it.
func shallow(b []byte) error {
	depth := 0
	for i := 0; i+1 < len(b); i++ {
		if b[i] != '<' {
			continue
		}
		switch b[i+1] {
		case '/':
			depth--
		case '!', '?':
		default:
			end := bytes.IndexByte(b[i:], '>')
			if end > 0 && b[i+end-1] != '/' {
				depth++
			}
		}
		if depth > maxDepth {
			return fmt.Errorf("is nested deeper than %d", maxDepth)
		}
	}
	return nil
}
