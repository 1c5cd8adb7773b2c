// Reads an AsyncAPI file with the official parser. Prints what it says; fails when it says "error".
// Run by tests/validators.rs; INNFRI_VALIDATORS is the folder that `prepare` filled.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { Parser } = createRequire(`${process.env.INNFRI_VALIDATORS}/`)('@asyncapi/parser');

const ERROR = 0;
const WORDS = ['error', 'warning', 'information', 'hint'];

const [file] = process.argv.slice(2);
const { document, diagnostics } = await new Parser().parse(readFileSync(file, 'utf8'));
for (const { severity, code, path, message } of diagnostics) {
  console.log(`${WORDS[severity]} ${code} at ${path.join('/')}: ${message}`);
}
if (!document || diagnostics.some(({ severity }) => severity === ERROR)) process.exit(1);
for (const operation of document.allOperations()) {
  console.log(`operation ${operation.id()}: ${operation.messages().all().map((it) => it.name())}`);
}
