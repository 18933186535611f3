/**
 * Compiles the BPF programs to native/bpf/socket_owner.bpf.h: `npm run build:bpf`; `--check` compares with what is there.
 *
 * The header is committed, so only who changes the programs needs clang 14: other versions give other instructions.
 * From clang's object it takes the instructions of each section. A reference to a map becomes that map's index in
 * kBpfMaps, one to the constants (struct kernel_layout) an offset; the loader puts descriptors in. Anything else that
 * an object may hold (calls between functions, .data, .bss, strings) is refused here, because the loader knows none.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CLANG = process.env.CLANG ?? 'clang-14';
// -ffreestanding: no headers of the host; v3: Linux 5.1; no -g: it would carry the name of this folder.
const FLAGS = ['-target', 'bpfel', '-mcpu=v3', '-O2', '-std=gnu11', '-ffreestanding', '-Wall', '-Wextra', '-Werror'];
const PER_LINE = 32; // instructions

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const source = join('native', 'bpf', 'socket_owner.bpf.c');
const header = join(here, 'bpf', 'socket_owner.bpf.h');
const object = join(root, 'build', 'socket_owner.bpf.o');

const text = toHeader(readObject(compile()));
if (!process.argv.includes('--check')) writeFileSync(header, text);
else if (readFileSync(header, 'utf8') !== text)
  fail(`${header} is not what ${source} compiles to`, 'npm run build:bpf');
console.log(`${process.argv.includes('--check') ? 'checked' : 'built'} ${header}`);

function compile() {
  mkdirSync(dirname(object), { recursive: true });
  const run = spawnSync(CLANG, [...FLAGS, '-c', source, '-o', object], { cwd: root, encoding: 'utf8' });
  if (run.error !== undefined) fail(`${CLANG} cannot be run (${run.error.code})`, 'apt-get install clang-14');
  if (run.status !== 0) fail(run.stderr.trimEnd(), `${CLANG} ${FLAGS.join(' ')} -c ${source}`);
  return readFileSync(object);
}

/** ELF64, little endian: sections {name, type, info, link, bytes} and symbols {name, section, value}. */
function readObject(elf) {
  const at = Number(elf.readBigUInt64LE(40)); // e_shoff
  const sections = Array.from({ length: elf.readUInt16LE(60) }, (_, i) => {
    const start = at + 64 * i;
    const offset = Number(elf.readBigUInt64LE(start + 24));
    return {
      nameAt: elf.readUInt32LE(start),
      type: elf.readUInt32LE(start + 4),
      link: elf.readUInt32LE(start + 40),
      info: elf.readUInt32LE(start + 44),
      bytes: elf.subarray(offset, offset + Number(elf.readBigUInt64LE(start + 32))),
    };
  });
  const string = (table, from) => table.toString('latin1', from, table.indexOf(0, from));
  const names = sections[elf.readUInt16LE(62)].bytes;
  for (const section of sections) section.name = string(names, section.nameAt);
  const table = sections.find(({ type }) => type === 2); // SHT_SYMTAB
  const strings = sections[table.link].bytes;
  const symbols = Array.from({ length: table.bytes.length / 24 }, (_, i) => ({
    name: string(strings, table.bytes.readUInt32LE(24 * i)),
    section: sections[table.bytes.readUInt16LE(24 * i + 6)]?.name ?? '',
    value: Number(table.bytes.readBigUInt64LE(24 * i + 8)),
  }));
  return { sections, symbols };
}

function toHeader({ sections, symbols }) {
  const maps = [];
  const code = sections.filter(({ name, type, bytes }) => type === 1 && name.includes('/') && bytes.length > 0);
  for (const { name, bytes } of sections)
    if (/^\.(data|bss|rodata\.|text)/.test(name) && bytes.length > 0) fail(`the loader cannot do section ${name}`);
  for (const relocations of sections.filter(({ type }) => type === 9)) {
    const target = sections[relocations.info];
    for (let i = 0; i < relocations.bytes.length; i += 16) {
      const at = Number(relocations.bytes.readBigUInt64LE(i));
      const type = relocations.bytes.readUInt32LE(i + 8);
      refer(target, at, type, symbols[relocations.bytes.readUInt32LE(i + 12)], maps);
    }
  }
  const clang = /clang version [\d.]+/.exec(spawnSync(CLANG, ['--version'], { encoding: 'utf8' }).stdout)?.[0];
  const layoutBytes = sections.find(({ name }) => name === '.rodata').bytes.length;
  return [
    `// Made by native/build-bpf.mjs from native/bpf/socket_owner.bpf.c with ${clang}; npm run build:bpf makes it anew.`,
    '// An instruction a word, as clang wrote it; a 16-byte load of a map has its index in kBpfMaps.',
    `constexpr size_t kBpfLayoutBytes = ${layoutBytes};`,
    `constexpr const char *kBpfMaps[] = {${maps.map((name) => `"${name}"`).join(', ')}};`,
    ...code.map(
      ({ bytes }, i) =>
        `constexpr uint64_t kBpfCode${i}[] = {\n${words(bytes)}\n};  // ${bytes.length / 8} instructions`,
    ),
    'constexpr BpfSection kBpfSections[] = {',
    ...code.map(({ name, bytes }, i) => `    {"${name}", kBpfCode${i}, ${bytes.length / 8}},`),
    '};',
    '',
  ].join('\n');
}

/** Writes what the 16-byte load at `at` refers to into its source register and immediate. */
function refer({ name, bytes }, at, type, symbol, maps) {
  if (type !== 1 || bytes[at] !== 0x18) fail(`${name}: the loader cannot do a reference to ${symbol.name}`); // R_BPF_64_64
  if (symbol.section === '') {
    if (!maps.includes(symbol.name)) maps.push(symbol.name);
    bytes[at + 1] |= 1 << 4; // BPF_PSEUDO_MAP_FD
    bytes.writeInt32LE(maps.indexOf(symbol.name), at + 4);
  } else if (symbol.section === '.rodata') {
    bytes[at + 1] |= 2 << 4; // BPF_PSEUDO_MAP_VALUE
    bytes.writeInt32LE(bytes.readInt32LE(at + 4) + symbol.value, at + 12);
    bytes.writeInt32LE(0, at + 4);
  } else {
    fail(`${name}: the loader cannot do a reference to ${symbol.section}`);
  }
}

function words(bytes) {
  const all = Array.from({ length: bytes.length / 8 }, (_, i) => `0x${bytes.readBigUInt64LE(8 * i).toString(16)}`);
  const lines = [];
  while (all.length > 0) lines.push(`${all.splice(0, PER_LINE).join(',')},`);
  return lines.join('\n');
}

function fail(text, remedy = 'see native/build-bpf.mjs') {
  console.error(`${text}\n${remedy}`);
  process.exit(1);
}
