const express = require('express');
const db = require('./lib/db');
const { run, safe } = require('./lib/shell.js');
const render = require('./lib/render');
const { pick, number } = require('./lib/pick');
const path = require('path');

const app = express();

app.get('/user', (req, res) => {
  db.find(req.query.name); // WANT code.sql-injection
  db.findById(req.query.id);
  db.find('ann');
  run(req.query.host); // WANT code.command-injection
  safe(req.query.host);
  const chosen = pick(req.body);
  eval(chosen); // WANT code.code-injection
  eval(number(req.body.n));
  res.send(render(req.query.title)); // WANT code.xss
  db.through(req.query.name); // WANT code.sql-injection
});
