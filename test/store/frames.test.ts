import { appendFileSync, closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { appendFrame, encodeFrame, FRAME_HEADER_BYTES, FrameReader, readFrames, timeOf } from '../../store/frames.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const file = (context: TestContext) => join(temporaryDirectory(context), 'frames');
const texts = (path: string) => [...readFrames(path)].map(({ payload }) => payload.toString());

test('a frame is read as it was appended', (context) => {
  const path = file(context);
  const time = new Date('2024-05-06T07:08:09.123Z');
  appendFrame(path, encodeFrame(7, -1, 'what happened', time));
  const [frame] = [...readFrames(path)];
  expect(frame).toMatchObject({ kind: 7, value: -1, nsec: 123_000_000 });
  expect(frame?.payload.toString()).toBe('what happened');
  expect(timeOf(frame ?? { sec: 0, nsec: 0 })).toEqual(time);
});

test('where there is no file, there are no frames', (context) => {
  expect(texts(file(context))).toEqual([]);
});

test('the last frame is left as long as it is not whole, and read once it is', (context) => {
  const path = file(context);
  const whole = encodeFrame(1, 0, 'second');
  writeFileSync(path, Buffer.concat([encodeFrame(1, 0, 'first'), whole.subarray(0, FRAME_HEADER_BYTES + 2)]));
  const descriptor = openSync(path, 'r');
  context.onTestFinished(() => closeSync(descriptor));
  const reader = new FrameReader(descriptor);
  const read = () => [...reader.read()].map(({ payload }) => payload.toString());
  expect(read()).toEqual(['first']);
  expect(read()).toEqual([]);
  appendFileSync(path, whole.subarray(FRAME_HEADER_BYTES + 2));
  expect(read()).toEqual(['second']);
});

test('what an interrupted writer left is skipped, up to the next frame', (context) => {
  const path = file(context);
  const cut = encodeFrame(1, 0, 'lost').subarray(0, 20);
  writeFileSync(path, Buffer.concat([encodeFrame(1, 0, 'a'), cut, encodeFrame(1, 0, 'b'), encodeFrame(1, 0, 'c')]));
  expect(texts(path)).toEqual(['a', 'b', 'c']);
});

test('frames of any size are read, many and long ones', (context) => {
  const path = file(context);
  const sizes = [0, 1, 65_496, 65_497, 200_000, 3, ...Array<number>(5000).fill(40)];
  writeFileSync(path, Buffer.concat(sizes.map((size) => encodeFrame(2, size, Buffer.alloc(size, 'x')))));
  expect([...readFrames(path)].map(({ payload }) => payload.length)).toEqual(sizes);
});

test('a frame that no reader would take is refused', () => {
  expect(() => encodeFrame(1, 0, Buffer.alloc(2 ** 20 + 1))).toThrow('at most 1048576 bytes, got 1048577');
});
