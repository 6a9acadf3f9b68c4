import sqlite3
import subprocess

from flask import Flask, request

app = Flask(__name__)
db = sqlite3.connect("clinic.db")
printers = {"ward": "lp-1", "office": "lp-2"}


@app.get("/patients")
def find_patient():
    name = request.args["name"]
    rows = db.execute("SELECT id FROM patients WHERE name = ?", (name,)).fetchall()
    return {"ids": [row[0] for row in rows]}


@app.get("/letters")
def print_letter():
    printer = printers[request.args["printer"]]
    subprocess.run(["lp", "-d", printer, "letter.pdf"], check=True)
    return {"printed": True}
