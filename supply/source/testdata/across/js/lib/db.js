const mysql = require('mysql');
const deep = require('./deep');
const connection = mysql.createConnection({ host: 'db' });

exports.find = function (name) {
  return connection.query("SELECT * FROM users WHERE name = '" + name + "'");
};

exports.findById = function (id) {
  return connection.query('SELECT * FROM users WHERE id = ?', [id]);
};

exports.through = (name) => deep.last(name);
