import React, { useState } from 'react';
import DOMPurify from 'dompurify';
import { useSearchParams } from 'next/navigation';
import { Controller, Get, Param, ParseIntPipe, Query, UseGuards } from '@nestjs/common';

type Props<T extends object = {}> = { html: string; items?: Array<T>; onPick: (item: T) => void };

export function Note<T extends object>({ html, items = [], onPick }: Props<T>) {
  const [open, setOpen] = useState<boolean>(false);
  const params = useSearchParams();
  return (
    <section className="note" onClick={() => setOpen(!open)}>
      <div dangerouslySetInnerHTML={{ __html: html }} /> {/* WANT code.raw-markup */}
      <div dangerouslySetInnerHTML={{ __html: DOMPurify.sanitize(html) }} />
      <div dangerouslySetInnerHTML={{ __html: params.get('note') as string }} /> {/* WANT code.xss */}
      <p>{params.get('note')} it's "quoted" &amp; fine</p>
      {items.map((item, i) => <li key={i} onClick={() => onPick(item)}>{String(item)}</li>)}
      <a href={params.get('back')!}>back</a> {/* WANT code.xss */}
      <a href="/home">home</a>
    </section>
  );
}

export function show(): void {
  document.getElementById('a')!.innerHTML = location.hash; // WANT code.xss
  document.getElementById('a')!.textContent = location.hash;
  document.write('<b>' + decodeURIComponent(window.location.search) + '</b>'); // WANT code.xss
  window.addEventListener('message', (event) => {
    eval(event.data); // WANT code.code-injection
  });
}

@Controller('charts')
@UseGuards(AuthGuard)
export class ChartController {
  constructor(private readonly db: Database) {}

  @Get(':id')
  async one(@Param('id') id: string, @Query('page', ParseIntPipe) page: number) {
    await this.db.query(`SELECT * FROM charts OFFSET ${page}`);
    return this.db.query(`SELECT * FROM charts WHERE id = '${id}'`); // WANT code.sql-injection
  }
}

const Session = React.createContext?.<string | undefined>(undefined);

export function leave(back?: string) {
  window.location.href = back ?? window.location.href;
  window.location.href = location.href.split('next=')[1]; // WANT code.open-redirect
  window.location.href = new URL(window.location.href).searchParams.get('next'); // WANT code.open-redirect
  const location2 = window.location;
}
