package infra

import (
	"strings"

	"github.com/tutela-health/tutela/supply/yamltree"
)

// isCloudFormation tells a template by the types of its resources.
func isCloudFormation(doc yamltree.Node) bool {
	for _, r := range doc.Get("Resources").Members() {
		if strings.HasPrefix(r.Get("Type").Text(), "AWS::") {
			return true
		}
	}
	return false
}

// cloudFormation looks into a template.
func (f *finder) cloudFormation(doc yamltree.Node) {
	all := demands()
	for name, n := range doc.Get("Resources").Members() {
		properties := n.Get("Properties")
		hold(resource{
			file: f, kind: n.Get("Type").Text(), name: name, line: doc.Get("Resources").Key(name).Line(),
			get: func(at string) value { return nodeValue(properties.Get(strings.Split(at, ".")...)) },
		}, all)
		f.cfnSpecial(n.Get("Type").Text(), properties)
	}
	for name, p := range doc.Get("Parameters").Members() {
		if d := p.Get("Default"); secretName(name) && secretValue(d.Text()) {
			f.Add(literalSecret(), d.Line(), "the parameter %s has its value written out", name)
		}
	}
}

// nodeValue is what a place in a document says by itself.
func nodeValue(n yamltree.Node) value {
	if !n.Exists() {
		return value{absent: true}
	}
	v := value{line: n.Line(), unknown: n.Custom()}
	if n.IsMap() {
		for key := range n.Members() {
			v.unknown = v.unknown || key == "Ref" || strings.HasPrefix(key, "Fn::")
		}
	}
	for _, item := range n.Items() {
		v.unknown = v.unknown || item.Custom() || item.IsMap()
		v.texts = append(v.texts, item.Text())
	}
	return v
}

// cfnSpecial judges what is more than one property.
func (f *finder) cfnSpecial(kind string, p yamltree.Node) {
	switch kind {
	case "AWS::EC2::SecurityGroup":
		for _, in := range p.Get("SecurityGroupIngress").Items() {
			f.cfnWay(in)
		}
	case "AWS::EC2::SecurityGroupIngress":
		f.cfnWay(p)
	}
	for keys, n := range p.All() {
		if len(keys) > 0 && keys[len(keys)-1] == "Statement" {
			for _, s := range statements(n) {
				s.judge(f, n.Line())
			}
		}
	}
}

func (f *finder) cfnWay(in yamltree.Node) {
	from := nodeValue(in.Get("CidrIp"))
	if more := nodeValue(in.Get("CidrIpv6")); !more.unknown {
		from.texts = append(from.texts, more.texts...)
	}
	opening{from, nodeValue(in.Get("FromPort")), nodeValue(in.Get("ToPort")), in.Get("IpProtocol").Text()}.judge(f, in.Line())
}
