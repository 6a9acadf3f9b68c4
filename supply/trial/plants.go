package trial

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
)

// leaks are credentials as they slip into files: an access key, a private key. They are drawn, and open nothing.
func leaks() (faulty, sound files, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("draw a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("encode a key: %w", err)
	}
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return files{
			"deploy/portal.env": "AWS_ACCESS_KEY_ID=AKIA" + rand.Text()[:16] + "\nAWS_SECRET_ACCESS_KEY=" + (rand.Text() + rand.Text())[:40] + "\n",
			"deploy/portal.pem": string(private),
		}, files{
			"deploy/portal.env": "AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID}\nAWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY}\n",
			"deploy/portal.md":  "The portal's key comes from the vault.\n",
		}, nil
}

// flaws are queries into which a caller's words go, in two languages.
func flaws() (faulty, sound files, err error) {
	const python = "import sqlite3\nfrom flask import request\n\n\ndef find(db: sqlite3.Connection):\n    name = request.args[\"name\"]\n"
	const script = "const express = require('express');\nconst app = express();\napp.get('/patients', (req, res) => {\n  const name = req.query.name;\n"
	return files{
			"portal/find.py": python + "    return db.cursor().execute(\"SELECT id FROM patient WHERE name = '\" + name + \"'\")\n",
			"portal/run.js":  script + "  require('child_process').exec('grep ' + name + ' patients.txt', (e, out) => res.send(out));\n});\n",
		}, files{
			"portal/find.py": python + "    return db.cursor().execute(\"SELECT id FROM patient WHERE name = ?\", (name,))\n",
			"portal/run.js":  script + "  res.json({ length: name.length });\n});\n",
		}, nil
}

// workflows are pipelines: one that runs what a stranger's pull request says, one that does not.
func workflows() (faulty, sound files, err error) {
	return files{
			".github/workflows/label.yml": "name: label\non: pull_request_target\npermissions: write-all\njobs:\n  label:\n    runs-on: ubuntu-24.04\n    steps:\n" +
				"      - run: echo \"${{ github.event.pull_request.title }}\"\n",
		}, files{
			".github/workflows/test.yml": "name: test\non: pull_request\npermissions:\n  contents: read\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 10\n    steps:\n" +
				"      - run: make test\n",
		}, nil
}

// machines are containers: one that is root and the host, one that is neither.
func machines() (faulty, sound files, err error) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: portal\n  namespace: portal\nspec:\n"
	return files{
			"deploy/Dockerfile": "FROM debian:latest\nUSER root\nADD https://example.org/tool.sh /tool.sh\nCMD [\"/tool.sh\"]\n",
			"deploy/pod.yaml":   pod + "  hostNetwork: true\n  containers:\n    - name: portal\n      image: portal:latest\n      securityContext:\n        privileged: true\n",
		}, files{
			"deploy/Dockerfile": "FROM scratch\nCOPY portal /portal\nUSER 65532:65532\nHEALTHCHECK CMD [\"/portal\", \"health\"]\nENTRYPOINT [\"/portal\"]\n",
		}, nil
}
