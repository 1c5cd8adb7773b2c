// Says of each message whether it fits its schema, by ajv. Reads `{"name","schema","message"}` a line
// (the paths of two files), writes `{"name","valid"}` a line.
// Run by tests/validators.rs; INNFRI_VALIDATORS is the folder that `prepare` filled.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.INNFRI_VALIDATORS}/`);
const Ajv = require('ajv/dist/2020');
const addFormats = require('ajv-formats');

const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
const validators = new Map();

function validatorOf(file) {
  if (!validators.has(file)) {
    // Strict: a keyword or format that ajv does not know is an error in our schema. The two stricter
    // wishes would have every branch of a choice repeat the fields and types that stand beside it.
    const ajv = addFormats(new Ajv({ strict: true, strictRequired: false, strictTypes: false }));
    validators.set(file, ajv.compile(read(file)));
  }
  return validators.get(file);
}

for (const line of readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  const { name, schema, message } = JSON.parse(line);
  console.log(JSON.stringify({ name, valid: validatorOf(schema)(read(message)) }));
}
