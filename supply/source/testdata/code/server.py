import hashlib
import os
import pickle
import random
import secrets
import shlex
import ssl
import subprocess
from pathlib import Path

import jwt
import requests
import yaml
from Crypto.Cipher import AES, DES
from flask import Flask, make_response, redirect, render_template, render_template_string, request, send_file
from lxml import etree
from markupsafe import Markup, escape
from werkzeug.utils import secure_filename

app = Flask(__name__)
app.secret_key = 'not so secret'  # WANT code.hard-coded-key
app.config['SECRET_KEY'] = os.environ['KEY']
app.config['SESSION_COOKIE_HTTPONLY'] = False  # WANT code.cookie-readable


@app.route('/patients/<name>')
def patients(name):
    cursor.execute("SELECT * FROM patients WHERE name = '%s'" % name)  # WANT code.sql-injection
    cursor.execute(f"SELECT * FROM patients WHERE id = {request.args['id']}")  # WANT code.sql-injection
    cursor.execute("SELECT * FROM patients WHERE id = %s", (request.args['id'],))
    cursor.execute("SELECT * FROM patients WHERE id = {}".format(int(request.args['id'])))
    q = "DELETE FROM visits WHERE id = " + request.form.get('id')
    db.session.execute(q)  # WANT code.sql-injection
    order = request.args.get('order')
    if order not in ('name', 'date'):
        return 'no', 400
    cursor.execute("SELECT * FROM visits ORDER BY " + order)
    return render_template('patients.html', name=name)


@app.route('/visits/<int:number>')
def visits(number):
    cursor.execute(f"SELECT * FROM visits WHERE id = {number}")
    return 'ok'


@app.post('/convert')
def convert():
    name = request.files['scan'].filename
    os.system('convert ' + name)  # WANT code.command-injection
    subprocess.run(f'convert {name}', shell=True)  # WANT code.command-injection
    subprocess.run(['convert', name])
    subprocess.run('convert ' + shlex.quote(name), shell=True)
    eval(request.form['code'])  # WANT code.code-injection
    open(os.path.join('/data', name))  # WANT code.path-traversal
    open(os.path.join('/data', secure_filename(name)))
    send_file('/data/' + name)  # WANT code.path-traversal
    Path('/data', name).read_text()  # WANT code.path-traversal
    return {'ok': True}


@app.get('/fetch')
def fetch():
    requests.get(request.args['url'])  # WANT code.ssrf
    requests.get('https://api.example/' + request.args['id'])
    requests.get('https://api.example', verify=False)  # WANT code.tls-unverified
    return redirect(request.args.get('next'))  # WANT code.open-redirect


@app.get('/page')
def page():
    render_template_string('Hello ' + request.args['name'])  # WANT code.template-injection
    Markup('<b>' + request.args['name'] + '</b>')  # WANT code.xss
    Markup('<b>') + escape(request.args['name'])
    app.logger.info('asked for %s' % request.args['name'])  # WANT code.log-injection
    return make_response('<b>%s</b>' % request.args['name'])  # WANT code.xss


@app.get('/hello')
def hello():  # WANT code.xss
    return f"<h1>{request.args.get('name')}</h1>"


@app.post('/load')
def load():
    pickle.loads(request.data)  # WANT code.unsafe-deserialization
    yaml.load(request.data)  # WANT code.unsafe-deserialization
    yaml.load(request.data, Loader=yaml.SafeLoader)
    yaml.safe_load(request.data)
    etree.fromstring(request.data, etree.XMLParser(resolve_entities=True))  # WANT code.xxe
    etree.fromstring(request.data, etree.XMLParser(resolve_entities=False))
    patients.find_one({'name': request.json['name']})  # WANT code.nosql-injection
    response = make_response('')
    response.set_cookie('session', value, secure=True)  # WANT code.cookie-readable
    response.set_cookie('session', value, secure=True, httponly=True)
    return response


hashlib.md5(x)  # WANT code.weak-hash
hashlib.md5(x, usedforsecurity=False)
hashlib.sha256(x)
DES.new(key, DES.MODE_CBC, iv)  # WANT code.weak-cipher
AES.new(key, AES.MODE_ECB)  # WANT code.weak-cipher
AES.new(key, AES.MODE_CBC, b'0000000000000000')  # WANT code.static-iv
AES.new(key, AES.MODE_GCM)
reset_token = random.choice(letters)  # WANT code.weak-random
reset_token = secrets.token_urlsafe()
colour = random.choice(colours)
ssl._create_unverified_context()  # WANT code.tls-unverified
ssl.create_default_context()
jwt.decode(token, options={'verify_signature': False})  # WANT code.jwt-unverified
jwt.decode(token, key, algorithms=['RS256'])
jwt.encode(claims, 'words', algorithm='HS256')  # WANT code.hard-coded-key


def admit(patient, ssn):
    logging.info('admitted %s', patient.id)
    logging.info('admitted %s', ssn)  # WANT phi.log
    print(f'admitted {patient.birth_date}')  # WANT phi.log
    logger.info('of %d letters', len(ssn))
    if not patient.mrn:
        raise ValueError(f'no number for {patient.date_of_birth}')  # WANT phi.error
    requests.get(f'https://api.example/search?ssn={ssn}')  # WANT phi.url
    requests.get('https://api.example/search', params={'mrn': patient.mrn})  # WANT phi.url
    requests.post('https://api.example/_search', data={'mrn': patient.mrn})


if __name__ == '__main__':
    app.run(debug=True)  # WANT code.debug
