import express from 'express';
import { load, loadFixed } from './store';
import * as net from './net';

const app = express();

app.get('/file', async (req, res) => {
  await load(req.query.name as string); // WANT code.path-traversal
  await loadFixed(req.query.name as string);
  await net.ask(req.query.url as string); // WANT code.ssrf
  await net.wait(req.query.seconds as string);
});
