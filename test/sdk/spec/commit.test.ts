import { describe, expect, test } from 'vitest';
import { type ConfigChanges, changeConfig } from '../../../sdk/spec/commit.ts';
import type { ImageConfig } from '../../../store/index.ts';

const IMAGE: ImageConfig = {
  Env: ['PATH=/bin', 'A=1=2'],
  Entrypoint: ['/entry'],
  Cmd: ['run'],
  Labels: { kept: '1', changed: '1' },
  ExposedPorts: { '80/tcp': {} },
  Healthcheck: { Test: ['NONE'] },
};

describe('the configuration of an image changes as with a Dockerfile', () => {
  const table: readonly (readonly [string, ConfigChanges, ImageConfig])[] = [
    ['not at all without changes', {}, IMAGE],
    [
      'variables are added, replaced in their place, and removed',
      { env: { B: '3', PATH: '/usr/bin', A: undefined } },
      { ...IMAGE, Env: ['PATH=/usr/bin', 'B=3'] },
    ],
    ['a command leaves the entrypoint', { command: ['new'] }, { ...IMAGE, Cmd: ['new'] }],
    [
      'labels are added, replaced and removed',
      { labels: { changed: '2', kept: undefined } },
      { ...IMAGE, Labels: { changed: '2' } },
    ],
    [
      'ports and volumes are added',
      { exposedPorts: ['53/udp'], volumes: ['/v'] },
      { ...IMAGE, ExposedPorts: { '80/tcp': {}, '53/udp': {} }, Volumes: { '/v': {} } },
    ],
    [
      'the rest is replaced',
      { user: 'app', workdir: '/w', stopSignal: 'SIGINT' },
      { ...IMAGE, User: 'app', WorkingDir: '/w', StopSignal: 'SIGINT' },
    ],
  ];
  test.each(table)('%s', (_, changes, expected) => {
    expect(changeConfig(IMAGE, changes)).toEqual(expected);
  });

  test('an entrypoint does away with the command of the image, unless one is given', () => {
    expect(changeConfig(IMAGE, { entrypoint: ['/new'] })).not.toHaveProperty('Cmd');
    expect(changeConfig(IMAGE, { entrypoint: ['/new'], command: ['run'] })).toMatchObject({ Cmd: ['run'] });
  });
});
