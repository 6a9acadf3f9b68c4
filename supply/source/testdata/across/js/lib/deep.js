const db = require('./db'); // a circle
const mysql = require('mysql');
const connection = mysql.createConnection({ host: 'db' });

module.exports = {
  last: function last(name) {
    return connection.query(`SELECT ${name} FROM users`);
  },
};
