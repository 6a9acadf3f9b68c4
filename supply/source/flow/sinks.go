package flow

import (
	"strings"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/source/syntax"
)

// sink is a call that does harm with what comes from outside.
type sink struct {
	rule  func() supply.Rule
	loose func() supply.Rule // what to say of a text that is put together from what is not known; nil says nothing
	calls string             // whole paths, or *.method
	args  string             // positions and keywords, each judged
	harm  hazard
	when  func(s *scan, c *call, v value) bool // nil is always
	says  string
}

// sinks are all of them. A method that many libraries have needs more than its name: when.
func sinks() []sink {
	return []sink{
		{rule: sqlInjection, loose: sqlComposed, calls: "*.query *.execute *.executemany *.executescript *.raw *.whereRaw *.orderByRaw *.havingRaw *.joinRaw *.selectRaw *.$queryRawUnsafe *.$executeRawUnsafe *.run *.all *.get *.each *.exec *.prepare *.extra *.literal *.unsafe *.mogrify *.read_sql *.exec_driver_sql *.fetch *.fetchrow *.fetchval *.where *.orderBy *.RawSQL *.text *.filter *.order_by *.executeQuery *.queryRaw django.db.models.expressions.RawSQL django.db.connection.cursor().execute sqlalchemy.text",
			args: "0 sql operation query statement", harm: sql, when: statement, says: "goes into an SQL statement"},
		{rule: sqlInjection, loose: sqlComposed, calls: "*.extra", args: "where select tables order_by", harm: sql, when: statement, says: "goes into an SQL statement"},
		{rule: commandInjection, loose: commandComposed, calls: "child_process.exec child_process.execSync os.system os.popen subprocess.getoutput subprocess.getstatusoutput commands.getoutput commands.getstatusoutput popen2.popen2 popen2.popen3 popen2.Popen3 asyncio.create_subprocess_shell shelljs.exec Bun.$ pexpect.run execa.command execa.commandSync execaCommand",
			args: "0 cmd command", harm: shell, says: "goes into a shell's command"},
		{rule: commandInjection, loose: commandComposed, calls: "subprocess.run subprocess.call subprocess.Popen subprocess.check_call subprocess.check_output", args: "0 args", harm: shell, when: withShell, says: "goes into a shell's command"},
		{rule: commandInjection, calls: "subprocess.run subprocess.call subprocess.Popen subprocess.check_call subprocess.check_output", args: "0 args", harm: shell, when: program, says: "says which program runs"},
		{rule: commandInjection, calls: "child_process.spawn child_process.spawnSync child_process.execFile child_process.execFileSync execa.execa execa", args: "0 1", harm: shell, when: spawned, says: "says which program runs, or goes into a shell's command"},
		{rule: commandInjection, calls: "os.execl os.execle os.execlp os.execv os.execve os.execvp os.spawnl os.spawnv os.spawnlp os.spawnvp os.startfile pty.spawn", args: "0 1", harm: shell, says: "says which program runs"},
		{rule: codeInjection, loose: dynamicCode, calls: "eval builtins.eval builtins.exec vm.runInNewContext vm.runInThisContext vm.runInContext vm.Script vm.compileFunction execScript mathjs.eval mathjs.evaluate math.evaluate safe-eval static-eval notevil expression-eval.eval", args: "0", harm: code, says: "runs as code"},
		{rule: codeInjection, loose: dynamicCode, calls: "exec compile", args: "0", harm: code, when: pythonOnly, says: "runs as code"},
		{rule: codeInjection, calls: "require import __import__ importlib.import_module", args: "0", harm: code, says: "says which module is loaded"},
		{rule: codeInjection, loose: dynamicCode, calls: "Function", args: "0 1 2", harm: code, when: notName, says: "runs as code"},
		{rule: codeInjection, loose: dynamicCode, calls: "setTimeout setInterval setImmediate", args: "0", harm: code, when: textual, says: "runs as code"},
		{rule: pathTraversal, calls: "fs.readFile fs.readFileSync fs.writeFile fs.writeFileSync fs.createReadStream fs.createWriteStream fs.unlink fs.unlinkSync fs.open fs.openSync fs.appendFile fs.appendFileSync fs.readdir fs.readdirSync fs.rm fs.rmSync fs.rmdir fs.mkdir fs.mkdirSync fs.stat fs.statSync fs.access fs.existsSync fs.rename fs.copyFile fs.promises.readFile fs.promises.writeFile fs.promises.unlink fs.promises.rm fs.promises.readdir fs.promises.open fs.promises.stat fs/promises.readFile fs/promises.writeFile fs/promises.unlink fs/promises.rm fs/promises.readdir fs-extra.readFile fs-extra.readFileSync fs-extra.remove fs-extra.writeFile fs-extra.readJson Bun.file Deno.readFile Deno.readTextFile",
			args: "0", harm: file, when: unrooted, says: "says which file is opened"},
		{rule: pathTraversal, calls: "open io.open codecs.open os.remove os.unlink os.rmdir os.listdir os.makedirs os.mkdir os.rename os.scandir os.open shutil.rmtree shutil.copy shutil.copyfile shutil.move flask.send_file django.http.FileResponse starlette.responses.FileResponse fastapi.responses.FileResponse aiofiles.open tarfile.open zipfile.ZipFile pathlib.Path().read_text",
			args: "0 file path filename path_or_file", harm: file, when: pythonOnly, says: "says which file is opened"},
		{rule: pathTraversal, calls: "*.read_text *.read_bytes *.write_text *.write_bytes *.unlink *.iterdir", args: "self", harm: file, says: "says which file is opened"},
		{rule: pathTraversal, calls: "res.sendFile res.download res.sendfile res.render ctx.render", args: "0", harm: file, when: unrooted, says: "says which file is sent"},
		{rule: ssrf, calls: "http.get http.request https.get https.request fetch axios axios.get axios.post axios.put axios.delete axios.request axios.head axios.patch node-fetch got got.get got.post request request.get request.post request.put superagent.get superagent.post needle needle.get undici.request undici.fetch cross-fetch isomorphic-fetch request-promise request-promise-native phin ky ky.get",
			args: "0", harm: address, when: serverSide, says: "says which server is asked"},
		{rule: ssrf, calls: "requests.get requests.post requests.put requests.delete requests.head requests.patch requests.options requests.Session().get requests.Session().post requests.session().get urllib.request.urlopen urllib.request.urlretrieve urllib.urlopen urllib2.urlopen httpx.get httpx.post httpx.AsyncClient().get httpx.Client().get httpx.put httpx.stream aiohttp.ClientSession().get aiohttp.ClientSession().post urllib3.PoolManager().request http.client.HTTPConnection http.client.HTTPSConnection pycurl.Curl().setopt",
			args: "0 url", harm: address, says: "says which server is asked"},
		{rule: ssrf, calls: "requests.request httpx.request urllib3.PoolManager().request", args: "1 url", harm: address, says: "says which server is asked"},
		{rule: xss, calls: "res.send res.write res.end ctx.html c.html", args: "0", harm: markup, when: page, says: "goes into a page"},
		{rule: xss, loose: rawMarkup, calls: "document.write document.writeln *.insertAdjacentHTML *.bypassSecurityTrustHtml *.bypassSecurityTrustScript *.createContextualFragment", args: "0 1", harm: markup, says: "goes into the page as markup"},
		{rule: xss, calls: "$ jQuery *.html *.append *.prepend *.after *.before *.replaceWith", args: "0", harm: markup, when: jquery, says: "goes into the page as markup"},
		{rule: xss, calls: "flask.make_response flask.Response django.http.HttpResponse HttpResponse werkzeug.wrappers.Response fastapi.responses.HTMLResponse starlette.responses.HTMLResponse aiohttp.web.Response sanic.response.html tornado.web.RequestHandler.write self.write django.http.HttpResponseBadRequest django.http.HttpResponseNotFound django.http.HttpResponseForbidden",
			args: "0 response content body text", harm: markup, when: page, says: "goes into a page"},
		{rule: xss, loose: rawMarkup, calls: "django.utils.safestring.mark_safe django.utils.safestring.SafeString markupsafe.Markup flask.Markup jinja2.Markup django.utils.safestring.SafeText handlebars.SafeString", args: "0", harm: markup, says: "is taken for harmless markup"},
		{rule: openRedirect, calls: "res.redirect ctx.redirect flask.redirect django.shortcuts.redirect django.http.HttpResponseRedirect HttpResponseRedirect fastapi.responses.RedirectResponse starlette.responses.RedirectResponse next/navigation.redirect NextResponse.redirect next/server.NextResponse.redirect res.location window.open window.location.assign window.location.replace location.assign location.replace aiohttp.web.HTTPFound self.redirect bottle.redirect werkzeug.utils.redirect django.http.HttpResponsePermanentRedirect",
			args: "0 1 location url redirect_to", harm: redirect, when: elsewhere, says: "says where the user is sent"},
		{rule: deserialization, calls: "pickle.load pickle.loads cPickle.load cPickle.loads _pickle.loads dill.load dill.loads marshal.load marshal.loads jsonpickle.decode shelve.open pandas.read_pickle torch.load joblib.load cloudpickle.loads pickle.Unpickler yaml.unsafe_load yaml.full_load_all yaml.unsafe_load_all node-serialize.unserialize serialize-to-js.deserialize funcster.deepDeserialize cryo.parse v8.deserialize ruamel.yaml.YAML().load",
			args: "0", harm: code, says: "is read by what runs what it reads"},
		{rule: deserialization, calls: "yaml.load yaml.load_all js-yaml.load js-yaml.loadAll", args: "0", harm: code, when: unsafeYAML, says: "is read by what runs what it reads"},
		{rule: prototypePollution, calls: "lodash.merge lodash.defaultsDeep lodash.mergeWith lodash.set lodash.setWith lodash.zipObjectDeep merge deepmerge extend jQuery.extend $.extend deep-extend defaults-deep", args: "1 2", harm: code, when: objectlike, says: "is merged key by key"},
		{rule: nosqlInjection, calls: "*.find *.findOne *.findOneAndUpdate *.findOneAndDelete *.updateOne *.updateMany *.deleteOne *.deleteMany *.countDocuments *.remove *.update *.findAndModify *.find_one *.update_one *.delete_one *.aggregate *.find_one_and_update *.delete_many *.replaceOne",
			args: "0 filter", harm: query, when: documents, says: "goes into a database's query as it is"},
		{rule: regexInjection, calls: "RegExp re.compile re.match re.search re.findall re.sub re.fullmatch", args: "0 pattern", harm: pattern, says: "is a regular expression"},
		{rule: templateInjection, calls: "flask.render_template_string jinja2.Template jinja2.Environment().from_string *.from_string mako.template.Template django.template.Template tornado.template.Template pug.compile pug.render jade.compile jade.render ejs.render ejs.compile handlebars.compile Handlebars.compile nunjucks.renderString mustache.render lodash.template doT.template twig.twig hogan.js.compile eta.renderString squirrelly.render django.template.engines.from_string",
			args: "0 source", harm: templating, says: "is part of a template"},
		{rule: xxe, calls: "libxmljs.parseXml libxmljs.parseXmlString libxmljs2.parseXml libxmljs2.parseXmlString", args: "0", harm: code, when: entities, says: "is read as XML with external entities"},
		{rule: xxe, calls: "xml.sax.parse xml.sax.parseString xml.dom.pulldom.parse xml.dom.pulldom.parseString", args: "0", harm: code, says: "is read as XML with entities"},
		{rule: logInjection, calls: "*.log *.info *.warn *.warning *.error *.debug *.critical *.exception", args: "0", harm: record, when: logging, says: "goes into a log line"},
	}
}

// statement reports whether a text is for a database: by its words, or by what it is given to.
func statement(s *scan, c *call, v value) bool {
	if speaksSQL(v.text) {
		return true
	}
	if !oneOf(c.name, "query execute raw executescript whereRaw orderByRaw $queryRawUnsafe $executeRawUnsafe literal RawSQL read_sql exec_driver_sql text") {
		return false
	}
	of := strings.ToLower(last(strings.TrimSuffix(c.of.path, "()")))
	return v.from != "" && (c.name != "query" && c.name != "execute" && c.name != "text" && c.name != "raw" || oneOf(of, "db conn connection client pool cursor cur knex sequelize pg mysql database sqlite tx trx prisma session engine objects"))
}

func withShell(s *scan, c *call, _ value) bool {
	_, n := c.arg("shell")
	return n != nil && n.Text == "True"
}

// program: without a shell, what is run is the first word.
func program(s *scan, c *call, v value) bool {
	_, n := c.arg("0 args")
	if n.Is(syntax.List) {
		return s.first != nil && s.first.from != ""
	}
	return !withShell(s, c, v) && !v.composed
}

// spawned: the program's name, or anything where a shell is asked for.
func spawned(s *scan, c *call, v value) bool {
	for _, k := range c.n.Kids[1:] {
		if o := k.Key("shell"); o != nil && o.Text != "false" {
			return true
		}
	}
	first, _ := c.arg("0")
	if first.known && oneOf(first.text, "sh bash /bin/sh /bin/bash cmd cmd.exe powershell") {
		return true
	}
	return first.from != "" && first.from == v.from && first.text == v.text
}

// pythonOnly: open is a function of browsers too, and exec one of a script's own.
func pythonOnly(s *scan, _ *call, _ value) bool { return s.lang == Python }

// notName: a method of what comes from outside is another function of that name.
func notName(s *scan, c *call, _ value) bool { return c.of.from == "" }

// textual: a text that is put together, and no function or object.
func textual(s *scan, c *call, v value) bool { return v.composed && v.text != "" }

// logging: a text that is put together, for a log; an object becomes fields.
func logging(s *scan, c *call, v value) bool {
	of := strings.ToLower(last(strings.TrimSuffix(c.of.path, "()")))
	_, n := c.arg("0")
	return textual(s, c, v) && !n.Is(syntax.Object) && (oneOf(of, "console log logging getlogger winston pino") || strings.HasSuffix(of, "logger"))
}

// unrooted: options with a root keep a path below it.
func unrooted(s *scan, c *call, v value) bool {
	_, options := c.arg("1")
	return options.Key("root") == nil && (c.of.path != "res" || options == nil || !options.Is(syntax.Name)) && (c.name != "render" || !v.composed)
}

// serverSide: in a browser the user's own machine asks.
func serverSide(s *scan, c *call, v value) bool {
	return !strings.Contains(v.from, "location") && !strings.HasPrefix(v.from, "react-router") && !strings.HasPrefix(v.from, "next/navigation")
}

// page: a text, and no object, which is sent as JSON.
func page(s *scan, c *call, v value) bool {
	if kind, n := c.arg("content_type mimetype media_type"); n != nil && kind.known && !strings.Contains(kind.text, "html") {
		return false
	}
	return !strings.HasSuffix(v.path, ".body") && !strings.HasSuffix(c.path, "self.write") || v.composed
}

// elsewhere: the path that was asked for leads back to the same server.
func elsewhere(s *scan, _ *call, v value) bool {
	return s.lang == Script || !oneOf(last(strings.TrimSuffix(v.from, "()")), "path full_path get_full_path")
}

// jquery: a method of what jQuery gives, and markup where a selector is usual.
func jquery(s *scan, c *call, v value) bool {
	return c.path == "$" && strings.Contains(v.text, "<") || c.path == "jQuery" && strings.Contains(v.text, "<") || strings.Contains(c.of.path, "$(") || strings.Contains(c.of.path, "jQuery(") || strings.HasPrefix(last(c.of.path), "$")
}

func unsafeYAML(s *scan, c *call, v value) bool {
	if s.lang == Script {
		_, options := c.arg("1")
		return options.Key("schema") != nil && strings.Contains(options.Key("schema").Last(), "FULL")
	}
	loader, n := c.arg("1 Loader")
	return n == nil || !strings.Contains(last(loader.path), "Safe") && !strings.Contains(last(loader.path), "Base")
}

func objectlike(s *scan, c *call, v value) bool {
	return !v.composed && (strings.Contains(v.from, "body") || strings.Contains(v.from, "query") || strings.Contains(v.from, "JSON"))
}

// documents: of MongoDB and the like, where an object from outside is an operator.
func documents(s *scan, c *call, v value) bool {
	_, n := c.arg("0 filter")
	return n != nil && !n.Is(syntax.Function) && n.Key("where") == nil && !v.composed && !strings.Contains(v.from, "params") && c.of.from == "" && !strings.Contains(c.of.path, ".createH") &&
		(s.lang == Script || strings.Contains(v.from, "json") || strings.Contains(v.from, "data"))
}

func entities(s *scan, c *call, _ value) bool {
	_, options := c.arg("1")
	on := options.Key("noent")
	return on != nil && on.Text == "true"
}

// secretName reports whether a name is that of a secret, for which randomness must not be predictable.
func secretName(name string) bool {
	return anyOf(name, "token secret passw otp nonce sessionid salt apikey csrf verificationcode resetcode accesscode privatekey encryptionkey")
}
