import express from 'express';
import { load, loadFixed } from './store';
import * as net from './net';
import { charts, ChartStore } from '@clinic/charts';
import { LabService } from 'src/labs';
import other from '@elsewhere/charts';

const app = express();

app.get('/file', async (req, res) => {
  await load(req.query.name as string); // WANT code.path-traversal
  await loadFixed(req.query.name as string);
  await net.ask(req.query.url as string); // WANT code.ssrf
  await net.wait(req.query.seconds as string);
});

const own = new ChartStore(db);

app.get('/chart', async (req, res) => {
  await charts.find(req.query.name as string); // WANT code.sql-injection
  await charts.byNumber(req.query.id as string);
  await own.find(req.query.name as string); // WANT code.sql-injection
  await own.byNumber(req.query.id as string);
  await other.find(req.query.name as string);
});

export class ChartController {
  private readonly kept = new ChartStore(db);

  constructor(private readonly labs: LabService, store: ChartStore) {
    this.store = store;
    this.fresh = new ChartStore(db);
  }

  async show(req, res) {
    await this.labs.image(req.query.file); // WANT code.path-traversal
    await this.labs.plain(req.query.file);
    await this.store.find(req.query.name); // WANT code.sql-injection
    await this.fresh.find(req.query.name); // WANT code.sql-injection
    await this.kept.find(req.query.name); // WANT code.sql-injection
    await this.fresh.byNumber(req.query.name);
    await this.unknown.find(req.query.name);
  }
}
