/** Plans a container without making any of it. */
import { describeStore } from '../store/places.ts';
import { DESCRIBING, decideContainer } from './engine/decide.ts';
import { foresee } from './engine/foresee.ts';
import { stdioOptions, wiringOf } from './engine/stdio.ts';
import type { Image } from './image.ts';
import { beginsAs } from './plan/beginning.ts';
import { planContainer } from './plan/container.ts';
import type { Plan } from './plan/plan.ts';
import { checkContainerOptions, checkImage } from './spec/check.ts';
import type { ContainerOptions } from './spec/options.ts';

/** The plan of a container with these options. @throws TypeError for an option that cannot be meant */
export function describePlan(image: Image, options: ContainerOptions): Plan {
  checkImage(image);
  checkContainerOptions(options);
  const id = '0'.repeat(64);
  const spec = decideContainer(image, options, id, describeStore(), 'describe', DESCRIBING);
  const foreseen = foresee(options, 'describe');
  const isAhead = foreseen !== undefined && beginsAs(spec, foreseen);
  return planContainer(spec, wiringOf(stdioOptions(options, 'pipe')), isAhead);
}
