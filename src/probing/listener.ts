import type { Answer } from "../probes/active/probe.ts";

/** What happens while a session runs, as plain numbers. All of it is optional. */
export interface Listener {
  reply?(host: number, number: number, rttNs: number, userRttNs: number, answer: Answer): void;
  late?(host: number, number: number, rttNs: number): void;
  duplicate?(host: number, number: number, rttNs: number): void;
  lost?(host: number, number: number): void;
  error?(host: number, number: number, meaning: string, from: string): void;
  /** Now and then, at most every 50 ms. */
  tick?(nowNs: number): void;
}
