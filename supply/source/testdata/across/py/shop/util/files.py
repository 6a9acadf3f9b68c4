def show(name):
    with open(name) as f:
        return f.read()
