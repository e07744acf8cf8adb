import { expect, test } from 'vitest';
import { formatReference, parseReference } from '../../store/reference.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;

test.each([
  ['alpine', 'docker.io/library/alpine:latest'],
  ['alpine:3.20', 'docker.io/library/alpine:3.20'],
  ['library/alpine', 'docker.io/library/alpine:latest'],
  ['grafana/grafana', 'docker.io/grafana/grafana:latest'],
  ['docker.io/alpine', 'docker.io/library/alpine:latest'],
  ['index.docker.io/alpine', 'docker.io/library/alpine:latest'],
  ['localhost/app', 'localhost/app:latest'],
  ['localhost:5000/app', 'localhost:5000/app:latest'],
  ['localhost:5000/app:v1', 'localhost:5000/app:v1'],
  ['ghcr.io/owner/repo/image:v1.2.3-rc.1', 'ghcr.io/owner/repo/image:v1.2.3-rc.1'],
  ['[::1]:5000/app', '[::1]:5000/app:latest'],
  ['Registry/app', 'Registry/app:latest'],
  [`alpine@${DIGEST}`, `docker.io/library/alpine@${DIGEST}`],
  [`alpine:3@${DIGEST}`, `docker.io/library/alpine:3@${DIGEST}`],
  ['a__b/c.d/e---f', 'docker.io/a__b/c.d/e---f:latest'],
])('%s is %s, as for Docker', (text, complete) => {
  expect(formatReference(parseReference(text))).toBe(complete);
});

test.each([
  ['', 'it has no repository'],
  ['Alpine', 'lower case'],
  ['docker.io/Alpine', 'lower case'],
  ['alpine:', "'' is not a tag"],
  ['alpine:-x', "'-x' is not a tag"],
  [`alpine:${'x'.repeat(129)}`, 'is not a tag'],
  ['alpine@sha256:short', 'is not a sha256 digest'],
  [`alpine@${DIGEST}@${DIGEST}`, "more than one '@'"],
  ['../etc/passwd', 'is not a registry'],
  ['a/../b', "'..' is not part"],
  ['a//b', "'' is not part"],
  ['a___b', "'a___b' is not part"],
  ['-a', "'-a' is not part"],
  ['exa_mple.io/app', 'is not a registry'],
  [`${'a'.repeat(250)}/b`, 'longer than 255'],
  ['name with spaces', 'is not part'],
  ['new\nline', 'is not part'],
])('%j is refused: %s', (text, reason) => {
  expect(() => parseReference(text)).toThrow(reason);
});
