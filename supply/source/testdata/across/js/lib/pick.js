function pick(body) {
  return body.code;
}

function number(text) {
  return parseInt(text, 10);
}

module.exports = { pick, number };
