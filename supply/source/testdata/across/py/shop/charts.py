class Charts:
    def __init__(self, connection):
        self.connection = connection

    def find(self, name):
        return self.connection.execute("SELECT * FROM charts WHERE name = '%s'" % name)

    def by_number(self, number):
        return self.connection.execute("SELECT * FROM charts WHERE id = ?", (number,))


charts = Charts(None)
