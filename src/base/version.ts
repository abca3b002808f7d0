import { version } from "../../package.json";

/** komon's own version, from package.json at build time. */
export const komonVersion: string = version;
