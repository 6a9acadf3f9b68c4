module.exports = function (title) {
  return '<h1>' + title + '</h1>';
};
