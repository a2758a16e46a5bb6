// Run by slack_types.sh. Writes what Steward would send to Slack as TypeScript under Slack's own types, for the compiler
// to refuse. Samples of one shape are one sample: types know nothing of the words in a text.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const [folder, ...files] = process.argv.slice(2);

// Texts that types tell apart: anything else may hold any words.
const LITERALS = new Set(['type', 'style', 'action_id_kind', 'source']);
// More lines in one file make the compiler slower than more files.
const PER_FILE = 150;

function shape(value, key) {
  if (Array.isArray(value)) return [...new Set(value.map((inner) => JSON.stringify(shape(inner, key))))].sort();
  if (value !== null && typeof value === 'object') {
    return Object.keys(value).sort().map((name) => [name, shape(value[name], name)]);
  }
  return LITERALS.has(key) ? value : typeof value;
}

// Elements of a list that are alike are one, so that long answers are short to compile.
function thin(value) {
  if (Array.isArray(value)) {
    const seen = new Set();
    return value.map(thin).filter((inner) => {
      const key = JSON.stringify(shape(inner));
      return !seen.has(key) && seen.add(key);
    });
  }
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, thin(inner)]));
  }
  return typeof value === 'string' && value.length > 80 ? value.slice(0, 80) : value;
}

const TYPES = {
  message: 'Message',
  view: 'ModalView',
  home: 'HomeView',
  unfurl: 'MessageAttachment',
  options: 'Options',
};

const seen = { };
const chosen = [];
let read = 0;
for (const file of files) {
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    if (!line) continue;
    read += 1;
    const { kind, payload } = JSON.parse(line);
    if (!TYPES[kind]) throw new Error(`no type for ${kind}`);
    // Each block alone: a new company of known blocks is no news to the compiler.
    const parts = payload.blocks ? payload.blocks.map((block) => ({ ...payload, blocks: [block] })) : [payload];
    for (const part of parts.length ? parts : [payload]) {
      const sample = thin(part);
      const key = kind + JSON.stringify(shape(sample));
      if (seen[key]) continue;
      seen[key] = true;
      chosen.push({ kind, sample });
    }
  }
}

const head = `import type { KnownBlock, ModalView, HomeView, MessageAttachment, Option, PlainTextOption } from '@slack/types';
interface Message {
  text: string; blocks: KnownBlock[]; response_type?: 'ephemeral' | 'in_channel'; replace_original?: boolean;
  thread_ts?: string; mrkdwn?: boolean; unfurl_links?: boolean; unfurl_media?: boolean;
}
interface Options { options: (Option | PlainTextOption)[] }
`;
for (let at = 0; at < chosen.length; at += PER_FILE) {
  const lines = chosen.slice(at, at + PER_FILE).map(({ kind, sample }, index) => `export const s${at + index}: ${TYPES[kind]} = ${JSON.stringify(sample)};`);
  fs.writeFileSync(path.join(folder, `samples${at / PER_FILE}.ts`), `${head}${lines.join('\n')}\n`);
}
// What must be refused, so that a compiler that looks at nothing is found out.
fs.writeFileSync(path.join(folder, 'refused.ts'), `${head}
// @ts-expect-error
export const unknown: Message = { text: 'x', blocks: [{ type: 'rich_texts', elements: [] }] };
// @ts-expect-error
export const misplaced: ModalView = { type: 'modal', title: { type: 'mrkdwn', text: 'x' }, blocks: [] };
// @ts-expect-error
export const extra: Message = { text: 'x', blocks: [{ type: 'divider', text: 'x' }] };
`);
const kinds = Object.keys(TYPES).map((kind) => `${chosen.filter((it) => it.kind === kind).length} ${kind}`);
console.log(`${read} samples, ${chosen.length} shapes: ${kinds.join(', ')}`);
if (chosen.length === 0) process.exit(1);
