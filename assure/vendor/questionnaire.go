package vendor

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

//go:embed questionnaire.yaml
var shipped []byte

// Questionnaire is what vendors are asked, in the order in which they are asked.
type Questionnaire struct {
	Version   int        `yaml:"version" json:"version"`
	Questions []Question `yaml:"questions" json:"questions"`
}

// Question is one of them, to be answered by yes where all is well.
type Question struct {
	ID     string   `yaml:"id" json:"id"`
	Asks   string   `yaml:"asks" json:"asks"`
	Weight int      `yaml:"weight" json:"weight"` // 1 to 3
	As     []string `yaml:"as" json:"as"`         // requirements of the catalogue that ask for it
}

// Shipped gives the questionnaire that this product brings.
func Shipped() (Questionnaire, error) {
	d := yaml.NewDecoder(bytes.NewReader(shipped))
	d.KnownFields(true)
	var q Questionnaire
	if err := d.Decode(&q); err != nil {
		return q, fmt.Errorf("decode questionnaire: %w", err)
	}
	return q, nil
}

// Find gives a question by its id.
func (q Questionnaire) Find(id string) (Question, bool) {
	i := slices.IndexFunc(q.Questions, func(one Question) bool { return one.ID == id })
	if i < 0 {
		return Question{}, false
	}
	return q.Questions[i], true
}
