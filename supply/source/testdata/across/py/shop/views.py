from flask import Flask, request

from . import database
from .charts import Charts, charts
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


class View:
    def __init__(self):
        self.charts = Charts(connection)

    def show(self, request):
        self.charts.find(request.args["name"])  # WANT code.sql-injection
        self.charts.by_number(request.args["id"])
        charts.find(request.args["name"])  # WANT code.sql-injection
        charts.by_number(request.args["id"])
        made = Charts(connection)
        made.find(request.args["name"])  # WANT code.sql-injection
        made.by_number(request.args["name"])
        self.other.find(request.args["name"])
