package infra

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/tutela-health/tutela/supply/yamltree"
)

// module is the Terraform of one folder.
type module struct {
	files  []*finder
	blocks []tfBlock
}

type tfBlock struct {
	file  *finder
	block *hclsyntax.Block
}

// HCL's parser calls itself for each bracket, sign and condition within another: brackets are counted,
// and a file's size bounds the rest.
const (
	maxNesting   = 200
	maxTerraform = 256 << 10 // bytes
)

// terraform reads a file; it is judged with the rest of its folder.
func (s *scan) terraform(f *finder, text []byte) error {
	if len(text) > maxTerraform {
		return fmt.Errorf("larger than %d KiB", maxTerraform>>10)
	}
	if deeper(text, maxNesting) {
		return errors.New("nested too deep")
	}
	parsed, diags := hclsyntax.ParseConfig(text, f.path, hcl.InitialPos)
	if diags.HasErrors() {
		return errors.New("no Terraform that can be read")
	}
	body, ok := parsed.Body.(*hclsyntax.Body)
	if !ok {
		return errors.New("no Terraform that can be read")
	}
	dir := path.Dir(f.path)
	if s.modules[dir] == nil {
		s.modules[dir] = &module{}
	}
	m := s.modules[dir]
	m.files = append(m.files, f)
	for _, b := range body.Blocks {
		m.blocks = append(m.blocks, tfBlock{f, b})
	}
	s.result.Checked.Files++
	return nil
}

// deeper reports whether brackets are nested deeper than n, whatever they stand in.
func deeper(text []byte, n int) bool {
	depth := 0
	for _, c := range text {
		switch c {
		case '{', '[', '(':
			depth++
		case '}', ']', ')':
			depth = max(0, depth-1)
		}
		if depth > n {
			return true
		}
	}
	return false
}

// module judges a folder.
func (s *scan) module(m *module) {
	all := demands()
	for _, b := range m.blocks {
		switch {
		case b.block.Type == "resource" && len(b.block.Labels) == 2:
			r := b.resource()
			hold(r, all)
			b.special(r)
		case b.block.Type == "data" && len(b.block.Labels) == 2 && b.block.Labels[0] == "aws_iam_policy_document":
			b.policyDocument()
		case b.block.Type == "variable" && len(b.block.Labels) == 1:
			b.variable()
		}
	}
	m.whole()
	for _, f := range m.files {
		s.result.Findings = append(s.result.Findings, f.findings()...)
	}
}

func (b tfBlock) resource() resource {
	return resource{
		file: b.file, kind: b.block.Labels[0], name: b.block.Labels[0] + "." + b.block.Labels[1], line: b.block.DefRange().Start.Line,
		get: func(at string) value { return property(b.block.Body, strings.Split(at, ".")) },
	}
}

// property walks down a block to an attribute, or to a block, which is there as "true".
func property(body *hclsyntax.Body, at []string) value {
	if a, ok := body.Attributes[at[0]]; ok {
		if len(at) > 1 {
			return value{unknown: true}
		}
		return literal(a.Expr)
	}
	for _, b := range body.Blocks {
		switch {
		case b.Type == "dynamic" && len(b.Labels) == 1 && b.Labels[0] == at[0]:
			return value{unknown: true}
		case b.Type == at[0] && len(at) == 1:
			return value{texts: []string{"true"}, line: b.DefRange().Start.Line}
		case b.Type == at[0]:
			return property(b.Body, at[1:])
		}
	}
	return value{absent: true}
}

// literal is what an expression says by itself.
func literal(e hclsyntax.Expression) value {
	v := value{line: e.Range().Start.Line}
	got, diags := e.Value(nil)
	if diags.HasErrors() || !got.IsWhollyKnown() {
		v.unknown = true
		return v
	}
	if got.IsNull() {
		return value{absent: true}
	}
	v.texts = texts(got)
	return v
}

// texts gives a scalar, or the scalars of a list or an object.
func texts(v cty.Value) []string {
	switch t := v.Type(); {
	case v.IsNull():
		return nil
	case t == cty.String:
		return []string{v.AsString()}
	case t == cty.Bool && v.True():
		return []string{"true"}
	case t == cty.Bool:
		return []string{"false"}
	case t == cty.Number:
		return []string{v.AsBigFloat().Text('f', -1)}
	case t.IsTupleType() || t.IsListType() || t.IsSetType() || t.IsObjectType():
		var list []string
		for it := v.ElementIterator(); it.Next(); {
			_, item := it.Element()
			list = append(list, texts(item)...)
		}
		return list
	}
	return nil
}

// special judges what is more than one property.
func (b tfBlock) special(r resource) {
	switch r.kind {
	case "aws_security_group":
		for _, in := range b.block.Body.Blocks {
			if in.Type == "ingress" {
				b.way(in.Body, "cidr_blocks", "ipv6_cidr_blocks", in.DefRange().Start.Line)
			}
		}
	case "aws_security_group_rule":
		if r.get("type").has("ingress") {
			b.way(b.block.Body, "cidr_blocks", "ipv6_cidr_blocks", r.line)
		}
	case "aws_vpc_security_group_ingress_rule":
		b.way(b.block.Body, "cidr_ipv4", "cidr_ipv6", r.line)
	case "azurerm_network_security_rule":
		if r.get("direction").has("Inbound") && r.get("access").has("Allow") {
			opening{from: r.get("source_address_prefix"), low: r.get("destination_port_range"), top: value{absent: true}}.judge(b.file, r.line)
		}
	case "google_compute_firewall":
		for _, allow := range b.block.Body.Blocks {
			if allow.Type == "allow" {
				opening{from: r.get("source_ranges"), low: property(allow.Body, []string{"ports"}), top: value{absent: true}}.judge(b.file, r.line)
			}
		}
	}
	b.policies()
	b.secrets(r)
}

func (b tfBlock) way(body *hclsyntax.Body, ipv4, ipv6 string, line int) {
	from := property(body, []string{ipv4})
	if more := property(body, []string{ipv6}); !from.unknown && !more.unknown {
		from.texts = slices.Concat(from.texts, more.texts)
	}
	protocol := property(body, []string{"protocol"}).text() + property(body, []string{"ip_protocol"}).text()
	opening{from, property(body, []string{"from_port"}), property(body, []string{"to_port"}), protocol}.judge(b.file, line)
}

// policies looks for IAM policies among the attributes: JSON in text, and jsonencode.
func (b tfBlock) policies() {
	for _, name := range []string{"policy", "inline_policy", "assume_role_policy"} {
		a, ok := b.block.Body.Attributes[name]
		if !ok {
			continue
		}
		if call, ok := a.Expr.(*hclsyntax.FunctionCallExpr); ok && call.Name == "jsonencode" && len(call.Args) == 1 {
			b.encoded(call.Args[0], 0)
		} else if text := literal(a.Expr); strings.Contains(text.text(), "Statement") {
			b.policyText(text)
		}
	}
}

// encoded looks for statements in an object expression, whose other parts may refer to anything.
func (b tfBlock) encoded(e hclsyntax.Expression, depth int) {
	if depth > 8 {
		return
	}
	switch e := e.(type) {
	case *hclsyntax.TupleConsExpr:
		for _, item := range e.Exprs {
			b.encoded(item, depth+1)
		}
	case *hclsyntax.ObjectConsExpr:
		s := statement{actions: value{absent: true}, resources: value{absent: true}, principals: value{absent: true}}
		for _, item := range e.Items {
			key, diags := item.KeyExpr.Value(nil)
			if diags.HasErrors() || key.Type() != cty.String || !key.IsKnown() || key.IsNull() {
				continue
			}
			switch key.AsString() {
			case "Effect":
				s.effect = literal(item.ValueExpr).text()
			case "Action":
				s.actions = literal(item.ValueExpr)
			case "Resource":
				s.resources = literal(item.ValueExpr)
			case "Principal":
				s.principals = literal(item.ValueExpr)
			case "Condition":
				s.conditional = true
			case "Statement":
				b.encoded(item.ValueExpr, depth+1)
			}
		}
		s.judge(b.file, e.SrcRange.Start.Line)
	}
}

// policyText looks for statements in JSON.
func (b tfBlock) policyText(v value) {
	docs, err := yamltree.Parse([]byte(v.text()))
	if err != nil {
		return // what is no JSON, IAM refuses
	}
	for _, doc := range docs {
		for _, s := range statements(doc.Get("Statement")) {
			s.judge(b.file, v.line)
		}
	}
}

// statements reads the statements of a policy document.
func statements(n yamltree.Node) (list []statement) {
	items := n.Items()
	if n.IsMap() {
		items = []yamltree.Node{n}
	}
	for _, item := range items {
		list = append(list, statement{item.Get("Effect").Text(), nodeValue(item.Get("Action")), nodeValue(item.Get("Resource")), principals(item.Get("Principal")), item.Get("Condition").Exists()})
	}
	return list
}

// principals are whom a statement of a resource's own policy speaks of: a text, or lists by their kind.
func principals(n yamltree.Node) value {
	if !n.IsMap() {
		return nodeValue(n)
	}
	all := value{line: n.Line()}
	for _, kind := range n.Members() {
		if v := nodeValue(kind); !v.unknown {
			all.texts = append(all.texts, v.texts...)
		}
	}
	return all
}

func (b tfBlock) policyDocument() {
	for _, s := range b.block.Body.Blocks {
		if s.Type != "statement" {
			continue
		}
		effect := property(s.Body, []string{"effect"})
		if effect.absent {
			effect.texts = []string{"Allow"}
		}
		statement{
			effect.text(), property(s.Body, []string{"actions"}), property(s.Body, []string{"resources"}),
			property(s.Body, []string{"principals", "identifiers"}), !property(s.Body, []string{"condition"}).absent,
		}.judge(b.file, s.DefRange().Start.Line)
	}
}

// secrets looks for values written out in attributes that are named like secrets.
func (b tfBlock) secrets(r resource) {
	for name, a := range b.block.Body.Attributes {
		if !secretName(name) || name == "password" && strings.HasPrefix(r.kind, "aws_db_") || name == "master_password" {
			continue // these are asked for by name
		}
		if v := literal(a.Expr); !v.unknown && isLiteral(v) {
			b.file.Add(literalSecret(), v.line, "%s: the value of %s is written out", r.name, name)
		}
	}
}

func (b tfBlock) variable() {
	if v := property(b.block.Body, []string{"default"}); secretName(b.block.Labels[0]) && !v.unknown && isLiteral(v) {
		b.file.Add(literalSecret(), v.line, "the variable %s has its value written out", b.block.Labels[0])
	}
}

// whole judges what only the folder as a whole shows.
func (m *module) whole() {
	stores := regexp.MustCompile(`^(aws_db_instance|aws_rds_cluster|aws_s3_bucket|aws_dynamodb_table|aws_instance|aws_eks_cluster|aws_ecs_cluster)$`)
	trail, versions := false, map[string]bool{}
	var first *tfBlock
	named := map[string]*tfBlock{}
	for i := range m.blocks {
		b := &m.blocks[i]
		if b.block.Type != "resource" || len(b.block.Labels) != 2 {
			continue
		}
		kind, name := b.block.Labels[0], b.block.Labels[1]
		trail = trail || kind == "aws_cloudtrail"
		if first == nil && stores.MatchString(kind) {
			first = b
		}
		if kind == "aws_s3_bucket_versioning" {
			versions[bucketOf(b)] = true
		}
		if word := environment(name); word != "" && stores.MatchString(kind) {
			named[word] = b
		}
	}
	if first != nil && !trail {
		first.file.Add(noTrail(), first.block.DefRange().Start.Line, "this folder makes resources and no trail: say so in another way if it is elsewhere")
	}
	if b := named["staging"]; b != nil && named["production"] != nil {
		b.file.Add(sharedAccount(), b.block.DefRange().Start.Line, "staging and production are made in one account")
	}
	m.unversioned(versions)
}

// environment reads an environment off a name.
func environment(name string) string {
	for _, part := range strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '_' || r == '-' }) {
		switch part {
		case "prod", "production":
			return "production"
		case "staging", "stage", "dev", "development", "test", "qa":
			return "staging"
		}
	}
	return ""
}

// bucketOf is the name of the bucket that a block belongs to.
func bucketOf(b *tfBlock) string {
	if a, ok := b.block.Body.Attributes["bucket"]; ok {
		for _, v := range a.Expr.Variables() {
			if split := v.SimpleSplit(); len(split.Rel) > 0 {
				if step, ok := split.Rel[0].(hcl.TraverseAttr); ok {
					return step.Name
				}
			}
		}
	}
	return ""
}

func (m *module) unversioned(versions map[string]bool) {
	for _, b := range m.blocks {
		if b.block.Type != "resource" || len(b.block.Labels) != 2 || b.block.Labels[0] != "aws_s3_bucket" || versions[b.block.Labels[1]] {
			continue
		}
		if property(b.block.Body, []string{"versioning"}).absent {
			b.file.Add(noBackup(), b.block.DefRange().Start.Line, "aws_s3_bucket.%s keeps no versions", b.block.Labels[1])
		}
	}
}
