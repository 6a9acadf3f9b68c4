const { exec, execFile } = require('child_process');

function run(host) {
  exec('ping -c 1 ' + host);
}

function safe(host) {
  execFile('ping', ['-c', '1', host]);
}

module.exports = { run, safe };
