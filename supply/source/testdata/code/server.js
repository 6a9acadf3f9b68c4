'use strict';
const express = require('express');
const { exec, execFile } = require('child_process');
const cp = require('node:child_process');
const fs = require('fs');
const path = require('path');
const crypto = require('crypto');
const jwt = require('jsonwebtoken');
const session = require('express-session');
const axios = require('axios');
const _ = require('lodash');
const libxmljs = require('libxmljs');
const serialize = require('node-serialize');
const cors = require('cors');
const https = require('https');
const escapeHtml = require('escape-html');
const app = express();

app.use(session({
  secret: 'keyboard cat', // WANT code.hard-coded-key
  cookie: { secure: false, httpOnly: true }, // WANT code.cookie-insecure
}));
app.use(session({ secret: process.env.SESSION_SECRET, cookie: { secure: true } }));
app.use(cors({ origin: true, credentials: true })); // WANT code.cors
app.use(cors({ origin: 'https://portal.example', credentials: true }));

app.get('/patients', (req, res) => {
  const { name, id } = req.query;
  db.query("SELECT * FROM patients WHERE name = '" + name + "'"); // WANT code.sql-injection
  db.query(`SELECT * FROM patients WHERE id = ${id}`); // WANT code.sql-injection
  db.query('SELECT * FROM patients WHERE id = $1', [id]);
  db.query(`SELECT * FROM patients WHERE id = ${parseInt(id, 10)}`);
  const statement = 'SELECT * FROM visits ORDER BY ' + req.query.order;
  pool.query(statement); // WANT code.sql-injection
  const known = ['name', 'date'].includes(req.query.sort) ? req.query.sort : 'name';
  pool.query('SELECT * FROM visits ORDER BY ' + known);
});

app.post('/convert', async (request, response) => {
  exec('convert ' + request.body.file); // WANT code.command-injection
  cp.execSync(`ls ${request.body.dir}`); // WANT code.command-injection
  execFile('convert', [request.body.file]);
  exec('uptime');
  eval(request.body.code); // WANT code.code-injection
  const f = new Function('a', request.body.code); // WANT code.code-injection
  setTimeout(() => response.end(), 10);
});

app.get('/file', (req, res) => {
  fs.readFile(path.join('/data', req.query.name), (err, data) => res.end(data)); // WANT code.path-traversal
  fs.readFile(path.join('/data', path.basename(req.query.name)), () => {});
  res.sendFile(req.params.name, { root: '/data' });
  res.sendFile('/data/' + req.params.name); // WANT code.path-traversal
});

app.get('/fetch', async (req, res) => {
  await axios.get(req.query.url); // WANT code.ssrf
  await fetch(`https://${req.query.host}/status`); // WANT code.ssrf
  await fetch(`https://api.example/status/${req.query.id}`);
  res.redirect(req.query.next); // WANT code.open-redirect
  res.redirect('/home?from=' + req.query.next);
  if (!allowed.includes(req.query.back)) return res.sendStatus(400);
  res.redirect(req.query.back);
});

app.get('/page', (req, res) => {
  res.send('<h1>' + req.query.title + '</h1>'); // WANT code.xss
  res.send('<h1>' + escapeHtml(req.query.title) + '</h1>');
  res.json({ title: req.query.title });
  render(res, req.query.title);
  console.log('asked for ' + req.query.title); // WANT code.log-injection
});

function render(res, title) {
  res.send(`<p>${title}</p>`); // WANT code.xss
}

app.post('/merge', (req, res) => {
  _.merge(settings, req.body); // WANT code.prototype-pollution
  settings[req.body.a][req.body.b] = req.body.c; // WANT code.prototype-pollution
  Object.assign({}, { name: req.body.name });
  users.findOne({ login: req.body.login, password: req.body.password }); // WANT code.nosql-injection
  users.findOne({ login: String(req.body.login) });
  serialize.unserialize(req.body.data); // WANT code.unsafe-deserialization
  JSON.parse(req.body.data);
  libxmljs.parseXml(req.body.xml, { noent: true }); // WANT code.xxe
  libxmljs.parseXml(req.body.xml);
  new RegExp(req.body.pattern); // WANT code.regex-injection
  _.template('Hello ' + req.body.name)(); // WANT code.template-injection
});

const iv = crypto.randomBytes(16);
crypto.createHash('md5').update(x).digest(); // WANT code.weak-hash
crypto.createHash('sha256').update(x).digest();
crypto.createCipheriv('des-ede3-cbc', key, iv); // WANT code.weak-cipher
crypto.createCipheriv('aes-256-cbc', key, '0000000000000000'); // WANT code.static-iv
crypto.createCipheriv('aes-256-gcm', key, iv);
const resetToken = Math.random().toString(36); // WANT code.weak-random
const shade = Math.random();
new https.Agent({ rejectUnauthorized: false }); // WANT code.tls-unverified
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; // WANT code.tls-unverified
jwt.sign({ id }, 'shhhhh'); // WANT code.hard-coded-key
jwt.sign({ id }, process.env.KEY);
jwt.verify(token, key, { algorithms: ['none'] }); // WANT code.jwt-unverified
jwt.verify(token, key, { algorithms: ['RS256'] });
app.get('/session', (req, res) => {
  res.cookie('token', t, { httpOnly: false, secure: true }); // WANT code.cookie-readable
  res.cookie('theme', 'dark');
  res.cookie('XSRF-TOKEN', t, { secure: true });
  res.cookie('token', t, { httpOnly: true, secure: true });
});

const router = express.Router();
router.get('/chart', requireLogin, chart);
router.post('/chart', requireLogin, save);
router.delete('/chart', requireLogin, remove);
router.get('/labs', labs); // WANT code.missing-authorization
router.get('/health', health);

function admit(patient) {
  console.log('admitted', patient.id);
  console.log('admitted', patient.ssn); // WANT phi.log
  logger.info({ patient }); // WANT phi.log
  console.log(`no chart of ${mask(patient.ssn)}`);
  if (!patient.mrn) throw new Error(`no number for ${patient.birthDate}`); // WANT phi.error
  fetch(`/search?ssn=${patient.ssn}`); // WANT phi.url
  fetch(`/search?id=${patient.id}`);
}

app.post('/photo', upload.single('photo'), (req, res) => {
  fs.unlinkSync(req.file.path);
  fs.unlinkSync(req.file.originalname); // WANT code.path-traversal
  res.redirect(301, 'https://' + req.hostname + req.originalUrl);
  res.redirect(301, 'https://' + req.get('host') + '/home');
  res.redirect(301, 'https://' + req.get('x-back')); // WANT code.open-redirect
  const location = new URL(req.query.at);
  logger.info({ uri: 'https://pacs.example/' + req.query.id }, 'asked');
  logger.info('asked for ' + req.query.id); // WANT code.log-injection
});
router.get('/notes', requireLogin, async (req, res) => {
  await db.collection('notes').find({ seen: new Date(req.query.since), mine: req.query.mine && self.apos.launder.boolean(req.query.mine) });
  await db.collection('notes').find({ seen: req.query.since }); // WANT code.nosql-injection
});
router.get('/chart/:id', requireLogin, async (ctx) => {
  await db.collection('charts').findOne(ctx.query.filter);
  await db.collection('charts').findOne(ctx.request.body.filter); // WANT code.nosql-injection
});

export function guard(request) {
  const { origin, basePath, searchParams } = request.nextUrl;
  const home = request.nextUrl.clone();
  home.pathname = '/login';
  if (request.cookies.get('old')) return NextResponse.redirect(home);
  if (request.cookies.get('none')) return NextResponse.redirect(new URL(`${basePath}/login`, origin));
  return NextResponse.redirect(searchParams.get('next')); // WANT code.open-redirect
}

const exec = (command) => execFileSync('npx', [command]);
exec(linter + ' --fix');
