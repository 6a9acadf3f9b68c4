import os
import shlex


def ping(host):
    os.system("ping -c 1 " + host)


def ping_safely(host):
    os.system("ping -c 1 " + shlex.quote(host))
