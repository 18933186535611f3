/** What one source file says of itself, read from its syntax tree: for the checks of test/unit/architecture.test.ts. */
import ts from 'typescript';

export interface SourceImport {
  readonly specifier: string;
  readonly names: readonly string[]; // '*' for a namespace, import() and require()
}

export interface SourceFacts {
  readonly path: string; // from the project's folder, with /
  readonly lines: number;
  readonly imports: readonly SourceImport[];
  readonly valueExports: readonly string[]; // functions, constants and classes; not types
  readonly hasDefaultExport: boolean;
  readonly throws: readonly number[]; // lines
  readonly clockReads: readonly number[]; // lines with Date.now() or new Date()
  readonly testNames: readonly string[]; // first argument of test() and it()
}

export function readFacts(path: string, text: string): SourceFacts {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
  const facts = {
    path,
    lines: text.split('\n').length - 1,
    imports: [] as SourceImport[],
    valueExports: [] as string[],
    hasDefaultExport: false,
    throws: [] as number[],
    clockReads: [] as number[],
    testNames: [] as string[],
  };
  const lineOf = (node: ts.Node): number => file.getLineAndCharacterOfPosition(node.getStart()).line + 1;
  const visit = (node: ts.Node): void => {
    const imported = importOf(node);
    if (imported !== undefined) facts.imports.push(imported);
    if (ts.isThrowStatement(node)) facts.throws.push(lineOf(node));
    if (readsClock(node)) facts.clockReads.push(lineOf(node));
    if (isDefaultExport(node)) facts.hasDefaultExport = true;
    else facts.valueExports.push(...exportsOf(node));
    const name = testNameOf(node);
    if (name !== undefined) facts.testNames.push(name);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return facts;
}

function importOf(node: ts.Node): SourceImport | undefined {
  if (ts.isImportDeclaration(node)) {
    const clause = node.importClause;
    const bindings = clause?.namedBindings;
    const names = clause?.name === undefined ? [] : ['default'];
    if (bindings !== undefined && ts.isNamespaceImport(bindings)) names.push('*');
    if (bindings !== undefined && ts.isNamedImports(bindings)) names.push(...bindings.elements.map(originalName));
    return { specifier: textOf(node.moduleSpecifier), names };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
    const clause = node.exportClause;
    const names = clause !== undefined && ts.isNamedExports(clause) ? clause.elements.map(originalName) : ['*'];
    return { specifier: textOf(node.moduleSpecifier), names };
  }
  if (ts.isCallExpression(node) && node.arguments[0] !== undefined) {
    const called = node.expression;
    const loads = called.kind === ts.SyntaxKind.ImportKeyword || called.getText() === 'require';
    if (loads) return { specifier: textOf(node.arguments[0]), names: ['*'] };
  }
  return undefined;
}

/** The name in the other file, of `a as b` the a. */
function originalName(element: ts.ImportSpecifier | ts.ExportSpecifier): string {
  return (element.propertyName ?? element.name).text;
}

/** A specifier that is computed is given as its source text. */
function textOf(node: ts.Expression): string {
  return ts.isStringLiteralLike(node) ? node.text : node.getText();
}

function readsClock(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) return node.getText() === 'Date.now';
  return ts.isNewExpression(node) && node.expression.getText() === 'Date' && (node.arguments?.length ?? 0) === 0;
}

function isDefaultExport(node: ts.Node): boolean {
  return ts.isExportAssignment(node) || hasModifier(node, ts.SyntaxKind.DefaultKeyword);
}

function exportsOf(node: ts.Node): string[] {
  if (!hasModifier(node, ts.SyntaxKind.ExportKeyword)) return [];
  if (ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) return node.name ? [node.name.text] : [];
  if (!ts.isVariableStatement(node)) return [];
  return node.declarationList.declarations.map(({ name }) => name.getText());
}

function hasModifier(node: ts.Node, kind: ts.SyntaxKind): boolean {
  return ts.canHaveModifiers(node) && (ts.getModifiers(node)?.some((modifier) => modifier.kind === kind) ?? false);
}

function testNameOf(node: ts.Node): string | undefined {
  if (!ts.isCallExpression(node) || !/^(test|it)(\.\w+)?$/.test(node.expression.getText())) return undefined;
  const name = node.arguments[0];
  return name !== undefined && ts.isStringLiteralLike(name) ? name.text : undefined;
}
