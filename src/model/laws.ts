/** The laws of the example VNF's service time, numbered as in KOMon's parameter files; µ is the delay. */
export const laws = [
  { name: "constant", sentence: "always µ" },
  { name: "negexp", sentence: "negative exponential with mean µ" },
  { name: "uniform", sentence: "uniform between 0 and 2µ" },
  { name: "norm1", sentence: "normal with mean µ and standard deviation µ, never below 0" },
  { name: "norm0.2", sentence: "normal with mean µ and standard deviation 0.2µ, never below 0" },
] as const;

/** The number of a law: an index into {@link laws}. */
export type Law = 0 | 1 | 2 | 3 | 4;

export function isLaw(value: number): value is Law {
  return Number.isInteger(value) && value >= 0 && value < laws.length;
}
