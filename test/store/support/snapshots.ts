import { machinePlatform, type SnapshotDescription } from './doors.ts';

/** What is said of a snapshot, where it does not matter. */
export function describedSnapshot(parts: Partial<SnapshotDescription> = {}): SnapshotDescription {
  return {
    base: { kind: 'image', layers: [], history: [] },
    snapshots: [],
    platform: machinePlatform(),
    config: {},
    created: '2026-01-02T03:04:05.000Z',
    createdBy: 'sh -c true',
    ...parts,
  };
}
