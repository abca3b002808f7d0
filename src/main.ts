#!/usr/bin/env bun
/** Starts the root command. */
import { report, root, runCommandLine } from "./commands/root.ts";

process.on("uncaughtException", (error) => process.exit(report(error)));
process.on("unhandledRejection", (error) => process.exit(report(error)));
process.exit(await runCommandLine(root, process.argv.slice(2)));
