/** How much of a container's id is enough to tell it by: its default hostname and name. */
export const SHORT_ID_LENGTH = 12;
