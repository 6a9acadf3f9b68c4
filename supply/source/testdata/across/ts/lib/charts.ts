export class ChartStore {
  constructor(private db: Pool) {}

  async find(name: string) {
    return this.db.query("SELECT * FROM charts WHERE name = '" + name + "'");
  }

  async byNumber(id: string) {
    return this.db.query('SELECT * FROM charts WHERE id = $1', [id]);
  }
}

export const charts = new ChartStore(pool);
