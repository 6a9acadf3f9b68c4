import fs from 'fs';
import path from 'path';

export class LabService {
  async image(name: string) {
    return this.read(name);
  }

  async plain(name: string) {
    return this.read(path.basename(name));
  }

  private async read(name: string) {
    return fs.promises.readFile(name);
  }
}
