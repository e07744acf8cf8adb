/**
 * What brings images into the store and out of it. A second way into this folder beside index.ts: it is loaded when
 * it is first needed, so that who only runs containers does not wait for it to be read.
 */
export { type LoadedImage, type LoadImageOptions, loadImage } from './load.ts';
