package secrets_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
)

// planter fills files with secrets that it draws, so that no file of this repository holds any, and
// remembers what it drew.
type planter struct {
	t     *testing.T
	drawn []string
}

// draw gives n characters of an alphabet, some of each third of it.
func (p *planter) draw(n int, alphabet string) string {
	out := make([]byte, n)
	for i := range out {
		k, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			p.t.Fatal(err)
		}
		out[i] = alphabet[k.Int64()]
	}
	return string(out)
}

const (
	lowers  = "abcdefghijkmnpqrstuvwxyz"
	uppers  = "ABCDEFGHJKLMNPQRSTUVWXYZ"
	digits  = "23456789"
	symbols = "!+=^~"
)

func (p *planter) keep(s string) string {
	p.drawn = append(p.drawn, s)
	return s
}

// funcs are what a file's template may draw.
func (p *planter) funcs() template.FuncMap {
	hex := func(n int) string { return p.keep("7f" + p.draw(n-4, "0123456789abcdef") + "c3") }
	alnum := func(n int) string { return p.keep("q7R" + p.draw(n-6, lowers+uppers+digits) + "x4T") }
	return template.FuncMap{
		"hex":   hex,
		"alnum": alnum,
		"lower": func(n int) string { return p.keep("k4m8" + p.draw(n-4, lowers+digits)) },
		"upper": func(n int) string { return p.keep(p.draw(n, uppers+"234567")) },
		"digit": func(n int) string { return p.draw(n, digits) },
		"weak":  func() string { return p.keep(p.draw(5, lowers) + p.draw(2, digits) + p.draw(1, uppers)) },
		"pass": func() string {
			return p.keep(p.draw(4, lowers) + p.draw(3, digits) + p.draw(3, symbols) + p.draw(4, uppers))
		},
		"salt": func() string { return p.keep("A1b" + p.draw(61, lowers+uppers+digits+" #%&()*,-.:;<=>?@[]^_{|}~")) },
		"uuid": func() string {
			s := func(n int) string { return p.draw(n, "0123456789abcdef") }
			return p.keep("7" + s(7) + "-" + s(3) + "b-4" + s(3) + "-a" + s(3) + "-" + s(11) + "e")
		},
		"crypt": func(n int) string { return p.keep(p.draw(n, lowers+uppers+digits+"./")) },
		"b64":   func(s string) string { return p.keep(base64.StdEncoding.EncodeToString([]byte(s))) },
		"b64url": func(n int) string {
			return p.keep(base64.RawURLEncoding.EncodeToString([]byte(p.draw(n, lowers+uppers+digits))))
		},
		"pem":  p.pem,
		"line": func(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), "\n", `\n`) },
		"wall": func(n int) string { return p.wall(n) },
	}
}

// pem draws a private key.
func (p *planter) pem() string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		p.t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	for _, line := range strings.Split(text, "\n")[1:3] {
		p.keep(line)
	}
	return strings.TrimSpace(text)
}

// wall draws n lines of base64.
func (p *planter) wall(n int) string {
	var lines []string
	for range n {
		lines = append(lines, p.keep(base64.StdEncoding.EncodeToString([]byte(p.draw(48, lowers+uppers+digits)))))
	}
	return strings.Join(lines, "\n")
}

// fill makes a file of a template.
func (p *planter) fill(text string) []byte {
	t, err := template.New("").Funcs(p.funcs()).Parse(text)
	if err != nil {
		p.t.Fatal(err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, nil); err != nil {
		p.t.Fatal(err)
	}
	return out.Bytes()
}

// plant writes files into a new folder.
func (p *planter) plant(files map[string]string) string {
	dir := p.t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			p.t.Fatal(err)
		}
		if err := os.WriteFile(path, p.fill(text), 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
	return dir
}

// bearing are files that hold secrets, each as the program writes it that it belongs to.
func bearing() map[string]string {
	return map[string]string{
		"home/.netrc":                         "machine mail.clinic.io login ann password {{weak}}\nmachine ftp.clinic.io\n  login bob\n  password {{pass}}\n",
		"home/.pgpass":                        "# host:port:database:user:password\ndb.clinic.io:5432:charts:app:{{weak}}\n",
		"home/.git-credentials":               "https://ann:{{pass}}@git.clinic.io\n",
		"home/.bash_profile":                  "export PATH=$PATH:/opt/bin\nexport RDS_PASSWORD='{{pass}}'\nexport AWS_SECRET_ACCESS_KEY={{alnum 40}}\n",
		"home/.bashrc":                        "alias ll='ls -l'\nexport MAIL_API_KEY=\"{{hex 32}}-us12\"\n",
		"home/.npmrc":                         "registry=https://registry.npmjs.org/\n//registry.npmjs.org/:_authToken={{uuid}}\n",
		"home/.pypirc":                        "[pypi]\nusername = ann\npassword = {{pass}}\n",
		"home/.dockercfg":                     `{"https://images.clinic.io/v1/": {"email": "ann@clinic.io", "auth": "{{b64 (printf "ann:%s" pass)}}"}}`,
		"home/.docker/config.json":            "{\n\t\"auths\": {\n\t\t\"images.clinic.io\": {\n\t\t\t\"auth\": \"{{b64 (printf \"ann:%s\" pass)}}\"\n\t\t}\n\t}\n}\n",
		"home/.esmtprc":                       "hostname mail.clinic.io:587\nusername \"ann\"\npassword \"{{weak}}\"\n",
		"home/.aws/credentials":               "[default]\naws_access_key_id = AKIA{{upper 16}}\naws_secret_access_key = {{alnum 40}}\n",
		"home/.s3cfg":                         "[default]\naccess_key = AKIA{{upper 16}}\nsecret_key = {{alnum 40}}\n",
		"home/.tugboat":                       "---\nauthentication:\n  access_token: {{hex 64}}\n",
		"home/heroku.json":                    `{"heroku": {"HEROKU_API_KEY": "{{hex 32}}"}}`,
		"home/hub":                            "---\ngithub.com:\n- user: ann\n  oauth_token: \"{{hex 40}}\"\n",
		"home/.mozilla/logins.json":           `{"logins": [{"hostname": "https://clinic.io", "encryptedUsername": "{{b64url 40}}", "encryptedPassword": "{{b64url 40}}"}]}`,
		"home/.ssh/id_ecdsa":                  "{{pem}}\n",
		"home/keys/deploy.ppk":                "PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nComment: deploy\nPublic-Lines: 1\nAAAA\nPrivate-Lines: 2\n{{wall 2}}\nPrivate-MAC: 00\n",
		"home/.kube/config":                   "apiVersion: v1\nkind: Config\nusers:\n- name: ann\n  user:\n    client-key-data: {{b64 pem}}\n",
		"ftp/filezilla.xml":                   "<FileZilla3>\n<Server><Host>ftp.clinic.io</Host>\n<User>ann</User>\n<Pass>{{weak}}</Pass></Server></FileZilla3>\n",
		"ftp/recentservers.xml":               "<FileZilla3><RecentServers>\n<Pass encoding=\"base64\">{{b64 weak}}</Pass>\n</RecentServers></FileZilla3>\n",
		"ftp/sftp-config.json":                "{\n  \"type\": \"sftp\",\n  \"host\": \"ftp.clinic.io\",\n  \"password\": \"{{weak}}\",\n}\n",
		"ftp/.vscode/sftp.json":               `{"host": "ftp.clinic.io", "username": "ann", "password": "{{pass}}"}`,
		"ftp/.ftpconfig":                      "{\n \"protocol\": \"sftp\",\n \"pass\": \"{{weak}}\",\n \"passphrase\": \"{{weak}}\"\n}\n",
		"ftp/.remote-sync.json":               "{\n \"transport\": \"ftp\",\n \"password\": \"{{weak}}\"\n}\n",
		"ftp/WinSCP.ini":                      "[Sessions\\clinic]\nHostName=ftp.clinic.io\nPassword={{upper 40}}\n",
		"ftp/.idea/WebServers.xml":            "<webServer><fileTransfer host=\"ftp.clinic.io\" port=\"21\" password=\"{{hex 48}}\" username=\"ann\"/></webServer>\n",
		"home/.lftprc":                        "set ssl:verify-certificate yes\nopen -u ann,{{weak}} ftp.clinic.io\n",
		"home/.fetchmailrc":                   "poll mail.clinic.io proto imap user \"ann\" password \"{{weak}}\"\n",
		"home/.odbc.ini":                      "[charts]\nDriver=PostgreSQL\nUID=app\nPWD={{weak}}\n",
		"etc/ppp/chap-secrets":                "# client server secret addresses\napp * {{weak}} *\n",
		"etc/postfix/sasl_passwd":             "[smtp.clinic.io]:587 app@clinic.io:{{pass}}\n",
		"etc/wpa_supplicant.conf":             "network={\n  ssid=\"ward\"\n  psk=\"{{pass}}\"\n}\n",
		"db/roles.sql":                        "CREATE ROLE app LOGIN PASSWORD '{{pass}}';\n",
		"db/export.sh":                        "#!/bin/sh\nsqlplus -s app/{{pass}}@charts @export.sql\n",
		"api/clinic.postman_environment.json": "{\"values\": [{\"key\": \"client_secret\", \"value\": \"{{alnum 40}}\", \"enabled\": true}]}\n",
		"db/dump.sql":                         "INSERT INTO `users` VALUES\n(1, 'ann', '$2y$12${{crypt 53}}'),\n(2, 'bob', '$2y$12${{crypt 53}}');\n",
		"db/mongoid.yml":                      "production:\n  clients:\n    default:\n      uri: \"mongodb://app:{{weak}}@db.clinic.io:27017/main\"\n",
		"db/database.yml":                     "production:\n  adapter: postgresql\n  username: app\n  password: {{weak}}\n",
		"db/robomongo.json":                   "{\n \"credentials\": [{\n  \"userName\": \"app\",\n  \"userPassword\": \"{{weak}}\"\n }]\n}\n",
		"db/data-sources.xml":                 "<connection host=\"db.clinic.io\" user=\"app\" password=\"{{weak}}\"/>\n",
		"db/dsn.yml":                          "database: \"host=db.clinic.io user=app password={{weak}} dbname=charts\"\n",
		"db/connect.cs":                       "var db = new Connection(\"Server=db.clinic.io;Database=charts;User Id=app;Password={{pass}};\");\n",
		"etc/shadow":                          "root:*:19000:0:99999:7:::\nann:$6${{crypt 16}}${{crypt 86}}:19000:0:99999:7:::\n",
		"etc/proftpdpasswd":                   "ann:$1${{crypt 8}}${{crypt 22}}:1000:1000::/home/ann:/bin/false\n",
		"web/.htpasswd":                       "ann:$apr1${{crypt 8}}${{crypt 22}}\n",
		"web/.env":                            "APP_ENV=production\nAPP_KEY=base64:{{b64 (alnum 32)}}\nDB_PASSWORD={{weak}}\n",
		"web/wp-config.php":                   "<?php\ndefine( 'DB_PASSWORD', '{{weak}}' );\ndefine('AUTH_KEY',         '{{salt}}');\ndefine('NONCE_SALT',       '{{salt}}');\n",
		"web/config.php":                      "<?php\n$dbuser = 'app';\n$dbpasswd = '{{weak}}';\n",
		"web/settings.py":                     "DEBUG = False\nSECRET_KEY = '{{salt}}'\n",
		"web/config/master.key":               "{{hex 32}}",
		"web/secrets.yml":                     "production:\n  secret_key_base: {{hex 128}}\n",
		"web/crm.js":                          "const conn = new Connection();\nconn.login('ann@clinic.io', '{{pass}}', done);\n",
		"web/deployment-config.json":          `{"type": "sftp", "host": "ftp.clinic.io", "username": "ann", "password": "{{weak}}"}`,
		"web/shell.js":                        "const db = connect('charts');\ndb.auth('app', '{{pass}}');\n",
		"docs/alerts.txt":                     "alerts go to https://hooks.slack.com/services/T{{upper 10}}/B{{upper 10}}/{{alnum 24}}\n",
		"src/provider.ts":                     "export const chartProviderKey = '{{alnum 40}}';\n",
		"src/typed.go":                        "package client\n\nconst providerKey string = \"{{alnum 40}}\"\n",
		"ci/credentials.xml":                  "<com.cloudbees.plugins.credentials.impl.UsernamePasswordCredentialsImpl>\n<password>{AQAAABAAAAAQ{{alnum 40}}=}</password>\n</com.cloudbees.plugins.credentials.impl.UsernamePasswordCredentialsImpl>\n",
		"ci/deploy.sh":                        "#!/bin/sh\nsshpass -p '{{pass}}' scp app ann@host.clinic.io:/srv\n",
		"infra/terraform.tfstate":             "{\"resources\": [{\"instances\": [{\"attributes\": {\n \"username\": \"app\",\n \"password\": \"{{pass}}\"\n}}]}]}\n",
		"infra/secret.yaml":                   "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  password: {{b64 pass}}\n",
		"infra/deploy.yaml":                   "env:\n- name: DB_PASSWORD\n  value: \"{{weak}}\"\n",
		"infra/Dockerfile":                    "FROM scratch\nENV DB_PASSWORD={{weak}}\n",
		"infra/run.sh":                        "#!/bin/sh\nexport SMTP_PASS={{weak}}\n",
		"infra/login.ps1":                     "$c = ConvertTo-SecureString \"{{weak}}\" -AsPlainText -Force\n",
		"src/main.rs":                         "let token: &str = \"{{hex 32}}\";\n",
		"infra/storage.json":                  `{"ConnectionStrings": {"Blob": "DefaultEndpointsProtocol=https;AccountName=charts;AccountKey={{alnum 86}}=="}}`,
		"infra/service-account.json":          `{"type": "service_account", "private_key": "{{line pem}}\n", "client_email": "app@clinic.io"}`,
		"ehr/epic.properties":                 "epic.client_id=7b1c\nepic.client_secret={{alnum 44}}\n",
		"ehr/cerner.yaml":                     "cerner:\n  system_account_secret: {{alnum 40}}\n",
		"ehr/athena.ts":                       "const athenaClientSecret = '{{alnum 40}}'\n",
		"ehr/backend-key.jwk":                 `{"kty": "EC", "crv": "P-384", "use": "sig", "x": "{{b64url 36}}", "y": "{{b64url 36}}", "d": "{{b64url 36}}"}`,
		"src/client.go":                       "package client\n\nconst token = \"ghp_{{alnum 36}}\"\n",
		"src/settings.reg":                    "\xff\xfe" + wide("[HKEY_CURRENT_USER\\Software\\Clinic]\r\n\"Password\"=\"kq7!mwrt92XB\"\r\n"),
		"src/stash.txt":                       "an old build left {{b64 (printf \"token ghp_%s here\" (alnum 36))}} here\n",
		"src/store.jks":                       "\xfe\xed\xfe\xed\x00\x00\x00\x02{{alnum 40}}",
	}
}

// wide gives text as UTF-16, little end first.
func wide(s string) string {
	var out strings.Builder
	for _, c := range []byte(s) {
		out.WriteByte(c)
		out.WriteByte(0)
	}
	return out.String()
}

// clean are files that only look as if they held secrets.
func clean() map[string]string {
	return map[string]string{
		".env.example":                    "DB_PASSWORD=changeme\nAPI_KEY=your_api_key_here\nTOKEN=<token>\n",
		".env":                            "DB_PASSWORD=${DB_PASSWORD}\nAPI_TOKEN=\nSECRET=xxxxxxxxxxxx\nTOKEN_URL=https://login.clinic.io/token\n",
		"roles.sql":                       "CREATE ROLE app LOGIN PASSWORD :'password';\nALTER USER app WITH PASSWORD 'changeme';\n",
		"export.sh":                       "sqlplus -s app/$PASSWORD@charts @export.sql\nlftp -u ann,${PASSWORD} ftp.clinic.io\n",
		"etc/ppp/chap-secrets":            "# client server secret addresses\n# app * secret *\napp * @/etc/ppp/app.secret *\n",
		"etc/wpa_supplicant.conf":         "network={\n  ssid=\"ward\"\n  key_mgmt=WPA-EAP\n  psk=ext:ward\n}\n",
		"clinic.postman_environment.json": "{\"values\": [{\"key\": \"password\", \"value\": \"\"}, {\"key\": \"token\", \"value\": \"{{\"{{\"}}token}}\"}]}\n",
		"compose.yaml":                    "services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: ${DB_PASSWORD}\n      PASSWORD_FILE: /run/secrets/db\n",
		"workflow.yml":                    "env:\n  TOKEN: ${{\"{{\"}} secrets.TOKEN {{\"}}\"}}\n  password: ${{\"{{\"}} secrets.PASSWORD {{\"}}\"}}\n",
		"aws.md":                          "    aws_access_key_id = AKIA" + "IOSFODNN7EXAMPLE\n    aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY\n",
		"locales/de.json":                 `{"password": "Passwort eingeben", "token": "Schlüssel", "forgot_password": "Passwort vergessen?"}`,
		"form.tsx":                        "const passwordLabel = 'Choose4Password!';\nconst [password, setPassword] = useState('');\n<input type=\"password\" name=\"password\" value={password} />\n",
		"auth.go":                         "package auth\n\nvar errPassword = errors.New(\"wrong password: try again in 5 minutes\")\nconst tokenHeader = \"X-Auth-Token-V2\"\n",
		"parse.py":                        "BEGIN = '-----BEGIN RSA PRIVATE KEY-----'\nEND = '-----END RSA PRIVATE KEY-----'\n",
		"url.go":                          "package url\n\nconst help = \"postgres://user:password@localhost:5432/db\"\n",
		"schema.json":                     `{"properties": {"password": {"type": "string", "format": "password"}, "token": "string"}}`,
		"login_test.go":                   "package login\n\nconst password = \"hunter2!ABC\"\nconst token = \"{{hex 40}}\"\n",
		"go.sum":                          "example.org/x v1.0.0 h1:{{alnum 43}}=\n",
		"package-lock.json":               `{"packages": {"node_modules/passkey": {"integrity": "sha512-{{alnum 86}}=="}}}`,
		"sshd_config":                     "PasswordAuthentication no\nPermitEmptyPasswords no\nAuthorizedKeysFile .ssh/authorized_keys\n",
		"keys/id_ecdsa.pub":               "ecdsa-sha2-nistp256 {{b64url 100}} ann@clinic.io\n",
		"jwks.json":                       `{"keys": [{"kty": "EC", "crv": "P-384", "kid": "a1", "x": "{{b64url 36}}", "y": "{{b64url 36}}"}]}`,
		"app.min.js":                      "var token='{{alnum 40}}',key='{{hex 32}}';\n",
		"values.yaml":                     "auth:\n  existingSecret: charts-db\n  secretName: charts-db\n  secretKeys:\n    adminPasswordKey: postgres-password\n",
		"sops.yaml":                       "password: ENC[AES256_GCM,data:{{b64url 30}},iv:{{b64url 30}},type:str]\n",
		"passwords.ts":                    "export const minPasswordLength = 12;\nexport const passwordPattern = '^(?=.*[A-Z])(?=.*[0-9]).{12,}$';\n",
		"deploy.yaml":                     "env:\n- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef: {name: db, key: password}\n- name: TOKEN_PATH\n  value: /run/secrets/token\n",
		"Dockerfile":                      "FROM scratch\nARG DB_PASSWORD\nENV DB_PASSWORD=$DB_PASSWORD PASS_MIN=12\n",
		"count.sh":                        "pass=0\nfail=0\nPASSWORD=$1\nTOKEN=$(cat token)\n",
		"app.properties":                  "db.password=ENC({{alnum 30}})\n",
		"variables.tf":                    "variable \"db_password\" {\n  type      = string\n  sensitive = true\n}\nresource \"x\" \"y\" {\n  password = var.db_password\n}\n",
		"test.yml":                        "env:\n  database: \"host=127.0.0.1 user=app password=secret dbname=app\"\n",
		"orders.d.ts":                     "/**\n * client.orders.create({\n *     idempotencyKey: \"{{uuid}}\",\n *     orderKey: \"{{hex 32}}\",\n *     login: client.auth('ann', '{{pass}}'),\n */\nexport declare const pass: '?string';\n",
		"pages.ts":                        "const list = {nextToken: '{{alnum 40}}', versionToken: '{{alnum 40}}', startingToken: '{{alnum 40}}', changeToken: '{{uuid}}'};\n",
		"provider.js":                     "const CHART_PROVIDER_KEY = '{{uuid}}';\nStorage.HmacKey1 = hmacKey_js_1a2.Hmac256Key7b;\np12.key = forge3.pbe2.generatePkcs12Key7;\n",
		"fingerprint.js":                  "map.set('bitbucket-pipelines', '{{hex 64}}');\n",
		"sso.examples.json":               "{\"input\": {\n \"clientSecret\": \"{{alnum 40}}\",\n \"assertion\": \"{{hex 40}}\"\n}}\n",
		"jwk.t":                           "> -----BEGIN PUBLIC KEY-----\n> {{alnum 64}}\n> -----END PUBLIC KEY-----\n",
		"twitter.js":                      "exports.twitterApiRequestAllItems = twitterApiRequestAllItems;\n",
		"crc.ts":                          "const sample = {wrappedKeyCrc32c: '{{alnum 24}}', secretHash: '{{b64url 32}}', keyFingerprint: '{{hex 40}}'};\n",
		"handshake.js":                    "packet.writeString('mysql_native_password', 'latin1');\n",
		"emulator.js":                     "const c = 'AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;';\n",
		"webhook.md":                      "Set `https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX`.\n",
		"package.json":                    `{"dependencies": {"pgpass": "1.0.5", "keypass": "^2.10.3-beta.1"}}`,
		"appveyor.yml":                    "  - $env:NTLM_PASSWORD = [Microsoft.Win32.Registry]::GetValue(\"HKLM\", \"DefaultPassword\", '')\n",
		"credential.ts":                   "// e.g. `-----BEGIN RSA PRIVATE KEY-----{{alnum 64}}\\n-----END RSA PRIVATE KEY-----`\n",
		"guide.md":                        "    var rsaPrivateKey = pki2x.privateKeyToAsn1b3(privateKey);\n",
		"appsettings.sample.json":         `{"Password": "Example123!"}`,
	}
}
