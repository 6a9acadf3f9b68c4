import sqlite3

from flask import request

connection = sqlite3.connect("shop.db")


def find(name):
    return connection.execute("SELECT * FROM users WHERE name = '%s'" % name)


def find_by_id(number):
    return connection.execute("SELECT * FROM users WHERE id = ?", (number,))


def comment():
    return request.form["comment"]
