package flow

import (
	"strings"

	"github.com/tutela-health/tutela/supply/source/syntax"
)

// wrong reports calls that are faults whatever comes from outside.
func (s *scan) wrong(c *call, sc *scope) {
	if s.lang == Python {
		s.wrongPython(c)
	} else {
		s.wrongScript(c)
	}
}

func (s *scan) wrongScript(c *call) {
	first, firstNode := c.arg("0")
	name := strings.ToLower(first.text)
	switch {
	case c.path == "crypto.createHash" && first.known && oneOf(name, "md5 sha1 md4 ripemd160"):
		s.hash(c, name)
	case oneOf(c.path, "md5 blueimp-md5 js-md5 js-md5.md5 md5-hex sha1 js-sha1 js-sha1.sha1"):
		s.hash(c, strings.TrimPrefix(strings.TrimPrefix(c.path, "blueimp-"), "js-"))
	case oneOf(c.path, "crypto.createCipher crypto.createDecipher"):
		s.said(weakCipher(), c, "the key is made from a password without a salt")
	case oneOf(c.path, "crypto.createCipheriv crypto.createDecipheriv") && first.known && weakAlgorithm(name):
		s.said(weakCipher(), c, name+" is weak")
	case c.path == "crypto.createCipheriv":
		s.vector(c)
	case oneOf(c.path, "jsonwebtoken.verify jwt.verify jsonwebtoken.sign jwt.sign jose.JWT.sign jose.JWT.verify"):
		s.jwt(c)
	case oneOf(c.path, "express-session cookie-session"):
		s.session(c, firstNode)
	case c.path == "res.cookie":
		s.cookie(c)
	case c.path == "cors" || c.path == "@fastify/cors":
		s.origins(firstNode, c.n.Line)
	case c.name == "enableCors":
		s.origins(firstNode, c.n.Line)
	case oneOf(c.name, "setHeader header set") && c.of.path == "res" && strings.EqualFold(first.text, "Access-Control-Allow-Origin"):
		if v, _ := c.arg("1"); v.from != "" && strings.Contains(strings.ToLower(v.from), "origin") {
			s.said(cors(), c, "whatever origin asks is let in")
		}
	case c.name == "express-jwt" || c.path == "express-jwt.expressjwt":
		if k := firstNode.Key("secret"); k.Is(syntax.Text) && k.Text != "" {
			s.report(hardCodedKey(), k.Line, "the key of tokens stands in the source")
		}
	}
	s.settingsOf(c)
}

// hash judges a weak hash: one that names files or keys of a cache does no harm.
func (s *scan) hash(c *call, name string) { s.said(weakHash(), c, strings.ToUpper(name)+" is weak") }

func weakAlgorithm(name string) bool {
	return strings.HasPrefix(name, "des") || strings.Contains(name, "-ecb") || strings.HasPrefix(name, "rc4") || strings.HasPrefix(name, "rc2") || strings.HasPrefix(name, "bf") || strings.HasPrefix(name, "blowfish")
}

// vector judges an initialisation vector that stands in the source.
func (s *scan) vector(c *call) {
	v, n := c.arg("2")
	if n != nil && v.known && v.text != "" && v.text != "null" {
		s.said(staticIV(), c, "the initialisation vector is the same each time")
	}
}

// jwt judges how tokens are signed and verified.
func (s *scan) jwt(c *call) {
	key, n := c.arg("1")
	options := c.n.Kid(3)
	algorithms := options.Key("algorithms")
	if algorithms == nil {
		algorithms = options.Key("algorithm")
	}
	switch {
	case holds(algorithms, "none"):
		s.said(jwtUnverified(), c, "the algorithm none is accepted")
	case c.name == "verify" && n != nil && n.Is(syntax.Constant):
		s.said(jwtUnverified(), c, "it is verified without a key")
	}
	if n != nil && key.known && len(key.text) > 2 && !n.Is(syntax.Constant) && !strings.Contains(key.text, "PUBLIC KEY") {
		s.said(hardCodedKey(), c, "the key of tokens stands in the source")
	}
}

// holds reports whether a text or a list of texts has this one.
func holds(n *syntax.Node, want string) bool {
	found := false
	n.Walk(func(k *syntax.Node) bool {
		found = found || k.Is(syntax.Text) && strings.EqualFold(k.Text, want)
		return true
	})
	return found
}

// session judges express-session.
func (s *scan) session(c *call, options *syntax.Node) {
	if !options.Is(syntax.Object) {
		return
	}
	if k := options.Key("secret"); k.Is(syntax.Text) && k.Text != "" {
		s.report(hardCodedKey(), k.Line, "the key of sessions stands in the source")
	}
	for _, o := range []*syntax.Node{options, options.Key("cookie")} {
		s.cookieOptions(o)
	}
}

// cookieOptions judges options that switch off what protects a cookie.
func (s *scan) cookieOptions(o *syntax.Node) {
	if k := o.Key("secure"); k.Is(syntax.Constant) && k.Text == "false" {
		s.report(cookieSecure(), k.Line, "secure is off")
	}
	if k := o.Key("httpOnly"); k.Is(syntax.Constant) && k.Text == "false" {
		s.report(cookieReadable(), k.Line, "httpOnly is off")
	}
}

// cookie judges a cookie whose name says that it opens something.
func (s *scan) cookie(c *call) {
	s.cookieOptions(c.n.Kid(3))
	name, _ := c.arg("0")
	low := strings.ToLower(name.text)
	if !name.known || !strings.Contains(low, "token") && !strings.Contains(low, "sess") && !strings.Contains(low, "auth") && !strings.Contains(low, "jwt") {
		return
	}
	o := c.n.Kid(3)
	if o != nil && !o.Is(syntax.Object) {
		return
	}
	if o.Key("httpOnly") == nil && !spreads(o) && !anyOf(low, "xsrf csrf") { // scripts send those back
		s.said(cookieReadable(), c, "scripts can read it")
	}
	if o.Key("secure") == nil && !spreads(o) {
		s.said(cookieSecure(), c, "it is sent without TLS too")
	}
}

func spreads(o *syntax.Node) bool {
	if o == nil {
		return false
	}
	for _, k := range o.Kids {
		if k.Is(syntax.Spread) {
			return true
		}
	}
	return false
}

// origins judges who may use answers from another site, with cookies.
func (s *scan) origins(o *syntax.Node, line int) {
	allowed, origin := o.Key("credentials"), o.Key("origin")
	if allowed == nil || allowed.Text != "true" {
		return
	}
	if origin.Is(syntax.Constant) && origin.Text == "true" || origin.Is(syntax.Text) && origin.Text == "*" {
		s.report(cors(), line, "every origin may use it with cookies")
	}
}

// settings judges objects whose keys say what they are, wherever they stand.
func (s *scan) settings(n *syntax.Node, sc *scope) {
	if s.lang != Script || !n.Is(syntax.Object) {
		return
	}
	if k := n.Key("rejectUnauthorized"); k.Is(syntax.Constant) && (k.Text == "false" || k.Text == "0") {
		s.report(tlsOff(), k.Line, "certificates are not verified")
	}
	for _, k := range n.Kids {
		if k.Is(syntax.Pair) && secretName(k.Text) && predictable(k.Kid(0), s) {
			s.report(weakRandom(), k.Line, k.Text+" is predictable")
		}
		if k.Is(syntax.Pair) && k.Text == "$where" {
			if v := s.eval(k.Kid(0), sc); v.from != "" {
				s.report(nosqlInjection(), k.Line, tell(v, "runs in the database"))
			}
		}
	}
}

// settingsOf judges XML's readers.
func (s *scan) settingsOf(c *call) {
	if !strings.HasPrefix(c.path, "libxmljs") && !strings.HasPrefix(c.name, "parseXml") {
		return
	}
	for _, k := range c.n.Kids[1:] {
		if on := k.Key("noent"); on != nil && on.Text == "true" {
			s.said(xxe(), c, "external entities are resolved")
		}
	}
}

func (s *scan) wrongPython(c *call) {
	switch {
	case oneOf(c.path, "hashlib.md5 hashlib.sha1 Crypto.Hash.MD5.new Crypto.Hash.SHA.new Crypto.Hash.SHA1.new Crypto.Hash.MD4.new Crypto.Hash.MD2.new Cryptodome.Hash.MD5.new md5.new sha.new cryptography.hazmat.primitives.hashes.MD5 cryptography.hazmat.primitives.hashes.SHA1"),
		c.path == "hashlib.new" && weakName(c):
		if _, n := c.arg("usedforsecurity"); n == nil || n.Text != "False" {
			s.said(weakHash(), c, c.path+" is weak")
		}
	case strings.HasPrefix(c.path, "Crypto.Cipher.") || strings.HasPrefix(c.path, "Cryptodome.Cipher."):
		s.cipher(c)
	case oneOf(c.path, "cryptography.hazmat.primitives.ciphers.algorithms.ARC4 cryptography.hazmat.primitives.ciphers.algorithms.Blowfish cryptography.hazmat.primitives.ciphers.algorithms.TripleDES cryptography.hazmat.primitives.ciphers.algorithms.IDEA cryptography.hazmat.primitives.ciphers.modes.ECB cryptography.hazmat.primitives.ciphers.algorithms.CAST5 cryptography.hazmat.primitives.ciphers.algorithms.SEED"):
		s.said(weakCipher(), c, c.name+" is weak")
	case oneOf(c.path, "ssl.SSLContext ssl.wrap_socket") && oldTLS(c):
		s.said(weakCipher(), c, "this version of TLS is broken")
	case oneOf(c.path, "ssl._create_unverified_context ssl._create_stdlib_context"):
		s.said(tlsOff(), c, "certificates are not verified")
	case oneOf(c.path, "jwt.decode jose.jwt.decode jwt.encode jose.jwt.encode"):
		s.jwtPython(c)
	case c.name == "set_cookie" && c.n.Kid(0).Is(syntax.Member):
		s.cookiePython(c)
	case oneOf(c.path, "lxml.etree.XMLParser") && !isFalse(c, "resolve_entities"):
		if _, n := c.arg("resolve_entities"); n != nil {
			s.said(xxe(), c, "external entities are resolved")
		}
	case c.name == "setFeature" && len(c.args) == 2 && (c.args[0].path == "xml.sax.handler.feature_external_ges" || strings.HasSuffix(c.args[0].path, "feature_external_ges")) && c.n.Kid(2).Text == "True":
		s.said(xxe(), c, "external entities are resolved")
	case c.name == "run" && isTrue(c, "debug") && c.n.Kid(0).Is(syntax.Member) && !strings.HasPrefix(c.path, "asyncio"):
		s.said(debugMode(), c, "debug mode is on")
	case c.name == "CORS" || c.name == "add_middleware":
		s.corsPython(c)
	case oneOf(c.path, "yaml.load yaml.load_all") && unsafeYAML(s, c, value{}), oneOf(c.path, "yaml.unsafe_load yaml.unsafe_load_all"):
		if v, _ := c.arg("0"); !v.known && v.from == "" {
			s.said(looseDeserialization(), c, c.path+" without the safe loader runs what it reads")
		}
	case c.path == "jinja2.Environment":
		if _, n := c.arg("autoescape"); n == nil || n.Text == "False" {
			s.said(rawMarkup(), c, "nothing in these templates is escaped")
		}
	}
	if isFalse(c, "verify") && verifies(c) || isFalse(c, "verify_ssl") || isFalse(c, "ssl") && strings.HasPrefix(c.path, "aiohttp") || argIs(c, "cert_reqs", "CERT_NONE") {
		s.said(tlsOff(), c, "certificates are not verified")
	}
}

// oldTLS reports whether SSL or TLS before 1.2 is asked for.
func oldTLS(c *call) bool {
	v, n := c.arg("0")
	if w, k := c.arg("protocol ssl_version"); k != nil {
		v, n = w, k
	}
	return n != nil && oneOf(last(v.path), "PROTOCOL_SSLv2 PROTOCOL_SSLv3 PROTOCOL_TLSv1 PROTOCOL_TLSv1_1")
}

// verifies reports whether verify is about certificates: of requests and httpx, or of a session of theirs.
func verifies(c *call) bool {
	return strings.HasPrefix(c.path, "requests.") || strings.HasPrefix(c.path, "httpx.") ||
		oneOf(c.name, "get post put delete patch head options request send") && strings.Contains(strings.ToLower(c.of.path), "session")
}

func weakName(c *call) bool {
	v, _ := c.arg("0 name")
	return v.known && oneOf(strings.ToLower(v.text), "md5 sha1 md4 sha")
}

func isTrue(c *call, key string) bool  { return argIs(c, key, "True") }
func isFalse(c *call, key string) bool { return argIs(c, key, "False") }

func argIs(c *call, key, want string) bool {
	_, n := c.arg(key)
	return n != nil && n.Last()+constantText(n) == want
}

func constantText(n *syntax.Node) string {
	if n.Is(syntax.Constant) {
		return n.Text
	}
	return ""
}

// cipher judges PyCryptodome's.
func (s *scan) cipher(c *call) {
	algorithm := strings.Split(c.path, ".")[2]
	mode, _ := c.arg("1 mode")
	switch {
	case oneOf(algorithm, "DES DES3 ARC2 ARC4 Blowfish CAST XOR"):
		s.said(weakCipher(), c, algorithm+" is weak")
	case strings.HasSuffix(mode.path, "MODE_ECB"):
		s.said(weakCipher(), c, "ECB shows what repeats")
	default:
		if v, n := c.arg("2 iv IV"); n != nil && v.known && c.name == "new" {
			s.said(staticIV(), c, "the initialisation vector is the same each time")
		}
	}
}

func (s *scan) jwtPython(c *call) {
	key, n := c.arg("1 key")
	if n != nil && key.known && n.Is(syntax.Text) && len(key.text) > 2 && !strings.Contains(key.text, "PUBLIC KEY") {
		s.said(hardCodedKey(), c, "the key of tokens stands in the source")
	}
	_, options := c.arg("options")
	_, algorithms := c.arg("2 algorithms algorithm")
	off := options.Key("verify_signature")
	switch {
	case c.name == "decode" && (isFalse(c, "verify") || off != nil && off.Text == "False"):
		s.said(jwtUnverified(), c, "the signature is not checked")
	case holds(algorithms, "none"):
		s.said(jwtUnverified(), c, "the algorithm none is accepted")
	}
}

func (s *scan) cookiePython(c *call) {
	name, _ := c.arg("0 key")
	low := strings.ToLower(name.text)
	sensitive := strings.Contains(low, "token") || strings.Contains(low, "sess") || strings.Contains(low, "auth") || strings.Contains(low, "jwt")
	for _, k := range c.n.Kids {
		if k.Is(syntax.Spread) {
			return
		}
	}
	if _, n := c.arg("secure"); isFalse(c, "secure") || n == nil && sensitive {
		s.said(cookieSecure(), c, "it is sent without TLS too")
	}
	if _, n := c.arg("httponly"); isFalse(c, "httponly") || n == nil && sensitive {
		s.said(cookieReadable(), c, "scripts can read it")
	}
}

func (s *scan) corsPython(c *call) {
	_, a := c.arg("supports_credentials allow_credentials")
	_, o := c.arg("origins allow_origins")
	if a != nil && a.Text == "True" && (c.name == "CORS" && o == nil || holds(o, "*")) {
		s.said(cors(), c, "every origin may use it with cookies")
	}
}
