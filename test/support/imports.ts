import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import ts from 'typescript';

/** One import in one file, both relative to the repository: `{ from: 'sdk/image.ts', to: 'store/index.ts' }`. */
export interface Import {
  readonly from: string;
  /** A file of the repository, or a package: `'koffi'`, `'node:fs'`. */
  readonly to: string;
  /** `import type`, which nothing is left of after compilation. */
  readonly typeOnly: boolean;
}

/** Every file below a directory, relative to `root`, without what is installed or built. */
export function filesBelow(root: string, directory = ''): string[] {
  const entries = readdirSync(join(root, directory), { withFileTypes: true });
  return entries.flatMap((entry) => {
    const path = posix.join(directory, entry.name);
    if (['node_modules', 'dist', 'coverage', '.git'].includes(entry.name)) return [];
    if (entry.isDirectory()) return filesBelow(root, path);
    return entry.isFile() ? [path] : [];
  });
}

/** What a TypeScript file imports: by import, export … from, import(), require() and import types. */
export function importsOf(root: string, file: string): Import[] {
  return parseImports(file, readFileSync(join(root, file), 'utf8'));
}

/** {@link importsOf} for a source text. */
export function parseImports(file: string, source: string): Import[] {
  const imports: Import[] = [];
  const visit = (node: ts.Node): void => {
    const found = importIn(node);
    if (found) imports.push({ from: file, to: resolve(file, found.specifier), typeOnly: found.typeOnly });
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, source, ts.ScriptTarget.Latest, false));
  return imports;
}

interface Found {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

function importIn(node: ts.Node): Found | undefined {
  if (ts.isImportDeclaration(node)) return found(node.moduleSpecifier, node.importClause?.isTypeOnly === true);
  if (ts.isExportDeclaration(node)) return found(node.moduleSpecifier, node.isTypeOnly);
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return found(node.argument.literal, true);
  if (!ts.isCallExpression(node)) return undefined;
  const { expression } = node;
  const isRequire = ts.isIdentifier(expression) && expression.text === 'require';
  return isRequire || expression.kind === ts.SyntaxKind.ImportKeyword ? found(node.arguments[0], false) : undefined;
}

function found(specifier: ts.Node | undefined, typeOnly: boolean): Found | undefined {
  return specifier && ts.isStringLiteral(specifier) ? { specifier: specifier.text, typeOnly } : undefined;
}

function resolve(file: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(dirname(file), specifier) : specifier;
}
