export { meanOf as mean, sdOf as sd, sorted } from "../../src/stats/summary.ts";
