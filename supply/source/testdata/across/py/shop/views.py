from flask import Flask, request

from . import database
from .util.shell import ping, ping_safely
from shop.util import files

app = Flask(__name__)


@app.route("/user")
def user():
    database.find(request.args["name"])  # WANT code.sql-injection
    database.find_by_id(request.args["id"])
    ping(request.args.get("host"))  # WANT code.command-injection
    ping_safely(request.args.get("host"))
    files.show(request.args["file"])  # WANT code.path-traversal
    files.show("about.html")
    eval(database.comment())  # WANT code.code-injection
    return "ok"
