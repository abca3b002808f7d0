/** The columns and cells that say which run a row is of. */
import { laws } from "../model/laws.ts";
import type { Column, Row } from "../model/table.ts";
import type { SweepRun } from "./runs.ts";

/** Where a run stands: its line, with the file's name where there are several. */
export function placeColumn(runs: readonly SweepRun[]): Column {
  const files = new Set(runs.map(({ file }) => file));
  return files.size > 1
    ? { key: "place", title: "line", unit: "text" }
    : { key: "line", unit: "count" };
}

export const loadColumns: readonly Column[] = [
  { key: "pps", unit: "pps" },
  { key: "delay_ns", title: "delay", unit: "ns" },
  { key: "law", unit: "text" },
];
export const repColumn: Column = { key: "rep", unit: "count" };
const folder: Column = { key: "folder", unit: "text" };

export const samplingColumns: readonly Column[] = [
  { key: "intervals", unit: "count" },
  { key: "packets", unit: "count" },
  { key: "sleep_ns", title: "sleep", unit: "ns" },
];
export const sizeColumn: Column = { key: "size_bytes", title: "size", unit: "bytes" };

export function runRow({ file, line, params, options, folder }: SweepRun): Row {
  const { intervals, packets, sleepNs, pps, sizeBytes, delayNs, law, rep } = params;
  return {
    ...{ place: `${file.replace(/^.*\//, "")}:${line}`, file, line, folder },
    ...{ intervals, packets, sleep_ns: sleepNs, pps, size_bytes: sizeBytes, delay_ns: delayNs },
    ...{ law: laws[law].name, rep, ...options },
  };
}

/** The options that any of the runs has. */
export function optionColumns(runs: readonly SweepRun[]): Column[] {
  const names = new Set(runs.flatMap(({ options }) => Object.keys(options)));
  return [...names].map((key) => ({ key, unit: "text" }));
}

/** All columns that say which run it is. */
export function machineColumns(runs: readonly SweepRun[]): Column[] {
  const where: Column[] = [{ key: "file", unit: "text" }, { key: "line", unit: "count" }, folder];
  const [pps, ...rest] = loadColumns;
  return [
    ...where,
    ...samplingColumns,
    pps,
    sizeColumn,
    ...rest,
    repColumn,
    ...optionColumns(runs),
  ];
}

/** People want to see only the options in which runs differ. */
export function humanColumns(runs: readonly SweepRun[]): Column[] {
  const differing = optionColumns(runs).filter(({ key }) => {
    const values = runs.map(({ options }) => options[key as keyof typeof options]);
    return new Set(values).size > 1;
  });
  return [placeColumn(runs), ...loadColumns, ...differing];
}
