/** The rules on folders and files hold, and the checks of them find made-up violations. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import {
  deadExports,
  importCycles,
  importViolations,
  lengthViolations,
  sourceViolations,
  testViolations,
} from '../support/architecture.ts';
import { readFacts, type SourceFacts } from '../support/source-facts.ts';

function filesBelow(folder: string, extension: RegExp): string[] {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const paths = entries.filter((path) => extension.test(path)).map((path) => `${folder}/${path}`);
  return paths.filter((path) => !path.includes('/fixtures/') && !path.includes('/native/build/')).sort();
}

const factsOf = (folder: string): SourceFacts[] =>
  filesBelow(folder, /\.ts$/).map((path) => readFacts(path, readFileSync(path, 'utf8')));

describe('the project', () => {
  const sources = factsOf('src');
  const tests = factsOf('test');
  const entryPoints = [...readFileSync('src/bundle.mjs', 'utf8').matchAll(/'(src\/[^']+\.ts)'/g)].map((m) => m[1]!);

  test('src is where this test looks for it', () => {
    assert.ok(sources.length > 20);
    assert.ok(entryPoints.includes('src/cli/main.ts'));
  });

  test('folders import only downwards, and packages and files only where listed', () => {
    assert.deepEqual(sources.flatMap(importViolations), []);
  });

  test('files of src import each other without cycles', () => {
    assert.deepEqual(importCycles(sources), []);
  });

  test('files of src keep the rules on names, exports, exceptions and clocks', () => {
    assert.deepEqual(sources.flatMap(sourceViolations), []);
  });

  test('no file of src, native or test is longer than 300 lines', () => {
    const paths = ['src', 'native', 'test'].flatMap((folder) => filesBelow(folder, /\.(ts|mjs|cc|h|c|py)$/));
    const files = paths.map((path) => ({ path, lines: readFileSync(path, 'utf8').split('\n').length - 1 }));
    assert.deepEqual(files.flatMap(lengthViolations), []);
  });

  test('every exported function, constant and class of src is imported by another file', () => {
    assert.deepEqual(deadExports([...sources, ...tests], entryPoints), []);
  });

  test('tests mirror src and are named as sentences', () => {
    const folders = readdirSync('src');
    const files = tests.filter(({ path }) => path.endsWith('.test.ts'));
    assert.deepEqual(
      files.flatMap((file) => testViolations(file, folders)),
      [],
    );
  });

  test('only the binding loads the addon', () => {
    const loaders = filesBelow('src', /\.ts$/).filter((path) => /\.node['"`]/.test(readFileSync(path, 'utf8')));
    assert.deepEqual(loaders, ['src/native/binding.ts']);
  });
});

describe('the checks find', () => {
  const imports = (path: string, text: string): string[] => importViolations(readFacts(path, text));
  const one = (found: readonly string[], what: RegExp): void => {
    assert.equal(found.length, 1, found.join('\n'));
    assert.match(found[0]!, what);
  };

  for (const text of [
    "import { a } from '../app/a.ts';",
    "import type { A } from '../app/a.ts';",
    "export { a } from '../app/a.ts';",
    "export * from '../app/a.ts';",
    "export const a = import('../app/a.ts');",
    "const a = require('../app/a.ts');",
  ])
    test(`an upward import written as ${text}`, () => {
      one(imports('src/flow/x.ts', text), /flow may import only: core/);
    });

  test('a sibling, a folder outside the table and a file outside src', () => {
    one(imports('src/linux/x.ts', "import { a } from '../native/binding.ts';"), /may import only/);
    one(imports('src/tui/x.ts', "import { a } from '../core/time.ts';"), /not in the table/);
    one(imports('src/app/x.ts', "import { a } from '../../test/support/wait.ts';"), /not in src/);
    one(imports('src/app/x.ts', "import { a } from './a.js';"), /ending in .ts/);
  });

  test('packages and parts of Node in files that may not have them', () => {
    one(imports('src/app/x.ts', "import Database from 'better-sqlite3';"), /not among those/);
    one(imports('src/linux/x.ts', "import { readFileSync } from 'node:fs';"), /not among those/);
    one(imports('src/core/x.ts', "import { inspect } from 'node:util';"), /computes only/);
    one(imports('src/cli/x.ts', "import chalk from 'chalk';"), /not a literal/);
    one(imports('src/cli/x.ts', 'const a = import(name);'), /not a literal/);
  });

  test('nothing in files that keep the rules, nor in comments and strings', () => {
    const text = "// import '../app/a.ts'\nimport { x } from '../core/time.ts';\nconst s = \"import '../app/a.ts'\";";
    assert.deepEqual(imports('src/flow/x.ts', text), []);
    assert.deepEqual(
      imports(
        'src/store/x.ts',
        "import D from 'better-sqlite3';\nimport { open } from 'node:fs';\nimport p from 'better-sqlite3/package.json';",
      ),
      [],
    );
  });

  test('cycles of any length, also of types', () => {
    const file = (name: string, ...targets: string[]): SourceFacts =>
      readFacts(`src/flow/${name}.ts`, targets.map((to) => `import type { A } from './${to}.ts';`).join('\n'));
    assert.deepEqual(importCycles([file('a', 'b'), file('b', 'c'), file('c')]), []);
    const cycle = 'src/flow/a.ts -> src/flow/b.ts -> src/flow/c.ts -> src/flow/a.ts';
    assert.deepEqual(importCycles([file('a', 'b'), file('b', 'c'), file('c', 'a')]), [cycle]);
  });

  test('bad names, default exports, throw in decode and clocks below app', () => {
    const source = (path: string, text: string): string[] => sourceViolations(readFacts(path, text));
    one(source('src/flow/flowTable.ts', ''), /kebab-case/);
    one(source('src/flow/utils.ts', ''), /named after/);
    one(source('src/flow/x.ts', 'export default function f() {}'), /default/);
    one(source('src/flow/x.ts', 'const a = 1;\nexport default a;'), /default/);
    one(source('src/decode/x.ts', '\nthrow new Error();'), /line 2/);
    one(source('src/flow/x.ts', 'const a = Date.now();'), /clock/);
    one(source('src/flow/x.ts', 'const a = new Date();'), /clock/);
    assert.deepEqual(source('src/app/x.ts', 'const a = Date.now();'), []);
    assert.deepEqual(source('src/flow/x.ts', 'const a = new Date(5);\nthrow new Error();'), []);
  });

  test('long files and dead exports', () => {
    one(lengthViolations({ path: 'src/flow/x.ts', lines: 301 }), /301 lines/);
    assert.deepEqual(lengthViolations({ path: 'src/flow/x.ts', lines: 300 }), []);
    const a = readFacts('src/flow/a.ts', 'export function used() {}\nexport const unused = 1;\nexport type T = 1;');
    const b = readFacts('src/flow/b.ts', "import { used as u } from './a.ts';\nexport class Entry {}");
    one(deadExports([a, b], ['src/flow/b.ts']), /a\.ts: nobody imports unused/);
    assert.deepEqual(deadExports([b], []), ['src/flow/b.ts: nobody imports Entry']);
  });

  test('tests in wrong places, without a sentence, twice or that lean on another', () => {
    const check = (path: string, text: string): string[] => testViolations(readFacts(path, text), ['flow']);
    one(check('test/other/x.test.ts', ''), /no folder/);
    one(check('test/unit/flows/x.test.ts', ''), /src has no folder flows/);
    one(check('test/unit/flow/x.test.ts', "test('should add one', () => {});"), /does not say/);
    one(check('test/unit/flow/x.test.ts', "it('add()', () => {});"), /does not say/);
    one(check('test/unit/flow/x.test.ts', "test('add() adds one');\ntest('add() adds one');"), /two tests/);
    one(check('test/unit/flow/x.test.ts', "import { a } from './y.test.ts';"), /another test/);
    assert.deepEqual(check('test/unit/flow/x.test.ts', "test('add() adds one', () => {});"), []);
  });
});
