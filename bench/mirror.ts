import type { ErrorSummary } from "../src/model/result.ts";
import type { Wait } from "../src/model/wait.ts";
import { errorSummary } from "../src/stats/error.ts";
import { quiet, runIn, type World } from "./komon.ts";

/**
 * The same figures for a VNF in C of its own two system calls and a spin, its own truth on the same packet: what this
 * machine makes of the best case, now.
 */
export async function inC(world: World, delayUs: number, wait: Wait): Promise<ErrorSummary> {
  const binary = "dist/mirror";
  const built = Bun.spawnSync(["clang", "-O2", "bench/mirror.c", "-o", binary]);
  if (built.exitCode !== 0) throw new Error(built.stderr.toString());
  const port = "4321";
  const file = "/tmp/mirror";
  const words = [
    "taskset",
    "-c",
    "1",
    `${process.cwd()}/${binary}`,
    port,
    ...[String(delayUs * 1000), file, wait],
  ];
  const mirror = Bun.spawn(world.command(words), { stdio: ["ignore", "pipe", "inherit"] });
  await mirror.stdout.getReader().read();
  const external = ["--vnf", "external", "--port", port];
  const { files } = await runIn(world, [20, 50, 0, 1000, 128, 0, 0], ...quiet, ...external);
  mirror.kill();
  await mirror.exited;
  const truth = new Map(
    world
      .read(file)
      .split("\n")
      .map((line) => line.split(" ").map(Number) as [number, number]),
  );
  const spans = files.find((name) => name.includes("SPANS_")) ?? "";
  const [head, ...rows] = world
    .read(spans)
    .trimEnd()
    .split("\n")
    .map((line) => line.split(";"));
  const [seq, service] = ["seq", "service_ns"].map((name) => head.indexOf(name));
  return errorSummary(
    rows.map((row) => Number(row[service]) - (truth.get(Number(row[seq])) ?? Number.NaN)),
  );
}
