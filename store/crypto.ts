/** node:crypto, loaded when it is first needed: it is an eighth of the time that importing caisson would take. */
export function crypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto');
}
